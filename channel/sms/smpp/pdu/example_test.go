package pdu_test

import (
	"fmt"

	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
)

// The example encodes an enquire_link, and parses the refusal of a bind. Some SMSCs send it
// without a body.
func Example() {
	b, err := pdu.Append(nil, pdu.PDU{ID: pdu.EnquireLink, Sequence: 7})
	fmt.Printf("% x %v\n", b, err)

	answer := []byte("\x00\x00\x00\x10\x80\x00\x00\x09\x00\x00\x00\x0e\x00\x00\x00\x01")
	h, err := pdu.ParseHeader(answer)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := pdu.Parse(h, answer[pdu.HeaderLength:h.Length])
	fmt.Println(p.ID, p.Status, p.Sequence, err)
	// Output:
	// 00 00 00 10 00 00 00 15 00 00 00 00 00 00 00 07 <nil>
	// bind_transceiver_resp 0x0e RINVPASWD 1 <nil>
}

func ExampleParseReceipt() {
	r, ok := pdu.ParseReceipt(&pdu.Message{
		ESMClass:     pdu.ESMReceipt,
		ShortMessage: []byte("id:42 sub:001 dlvrd:000 done date:2611230845 stat:UNDELIV err:069 text:Your stat:DELIVRD"),
	})
	fmt.Println(ok, r.ID, r.State, r.Err)
	// Output:
	// true 42 UNDELIV 069
}
