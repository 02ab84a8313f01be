package pdu_test

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
)

// receiptMessage returns a receipt with that text and those parameters.
func receiptMessage(text string, ts ...pdu.TLV) *pdu.Message {
	return &pdu.Message{ESMClass: pdu.ESMReceipt, ShortMessage: []byte(text), TLVs: ts}
}

func idTLV(s string) pdu.TLV   { return pdu.TLV{Tag: pdu.ReceiptedMessageID, Value: []byte(s)} }
func stateTLV(s byte) pdu.TLV  { return pdu.TLV{Tag: pdu.MessageState, Value: []byte{s}} }
func codeTLV(s string) pdu.TLV { return pdu.TLV{Tag: pdu.NetworkErrorCode, Value: []byte(s)} }

// withoutWord returns a receipt without its Word, which TestParseReceipt_KnowsWords proves.
func withoutWord(r pdu.Receipt) pdu.Receipt {
	r.Word = ""
	return r
}

// The receipts are those of real SMSCs, each with its peculiarity.
func TestParseReceipt_ReadsDeployedFormats(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body pdu.Body
		want pdu.Receipt
	}{
		"appendix B": {
			receiptMessage("id:0123456789 sub:001 dlvrd:001 submit date:2611230844 done date:2611230845 stat:DELIVRD err:000 text:Hello from us"),
			pdu.Receipt{ID: "0123456789", TextID: "0123456789", State: pdu.StateDelivered, Err: "000", Done: "2611230845"},
		},
		"node-smpp: parameters, an ID with its NUL": {
			receiptMessage("id:A1B2C1 sub:001 dlvrd:001 submit date:2611230844 done date:2611230844 stat:DELIVRD err:000 text:Hello", idTLV("A1B2C1\x00"), stateTLV(2)),
			pdu.Receipt{ID: "A1B2C1", TextID: "A1B2C1", State: pdu.StateDelivered, Err: "000", Done: "2611230844"},
		},
		"smscsim: Text, and an error": {
			receiptMessage("id:5710887828836591719 sub:001 dlvrd:000 submit date:2611230844 done date:2611230844 stat:UNDELIV err:069 Text:...", idTLV("5710887828836591719\x00"), stateTLV(5)),
			pdu.Receipt{ID: "5710887828836591719", TextID: "5710887828836591719", State: pdu.StateUndeliverable, Err: "069", Done: "2611230844"},
		},
		"Net::SMPP: an empty text": {
			receiptMessage("id:0000001001 sub:001 dlvrd:001 submit date:2611230902 done date:2611230902 stat:DELIVRD err:000 text:"),
			pdu.Receipt{ID: "0000001001", TextID: "0000001001", State: pdu.StateDelivered, Err: "000", Done: "2611230902"},
		},
		"the ID is hexadecimal in the parameter and decimal in the text": {
			receiptMessage("id:870928761 sub:001 dlvrd:001 stat:DELIVRD err:000", idTLV("33E95179")),
			pdu.Receipt{ID: "33E95179", TextID: "870928761", State: pdu.StateDelivered, Err: "000"},
		},
		"zero padding": {
			receiptMessage("id:0000000012345678 stat:DELIVRD"),
			pdu.Receipt{ID: "0000000012345678", TextID: "0000000012345678", State: pdu.StateDelivered},
		},
		"OpenMarket: no spaces in labels, long dates, an ID with dashes": {
			receiptMessage("id:0181-AB12-9F sub:001 dlvrd:000 submitdate:180122230957 donedate:000000000000 stat:ACCEPTD err:000 text:"),
			pdu.Receipt{ID: "0181-AB12-9F", TextID: "0181-AB12-9F", State: pdu.StateAccepted, Err: "000", Done: "000000000000"},
		},
		"no sub and no dlvrd": {
			receiptMessage("id:0654354026 submit date:2302101454 done date:2302101454 stat:DELIVRD err:000"),
			pdu.Receipt{ID: "0654354026", TextID: "0654354026", State: pdu.StateDelivered, Err: "000", Done: "2302101454"},
		},
		"seconds since 1970 for dates": {
			receiptMessage("id:7f submit date:1702281424 done date:1702281430 stat:EXPIRED err:0"),
			pdu.Receipt{ID: "7f", TextID: "7f", State: pdu.StateExpired, Err: "0", Done: "1702281430"},
		},
		"labels in capitals, in another order, with spaces behind": {
			receiptMessage("STAT: rejectd  ERR: E1F \r\nDone  Date: 20230210145400 ID: xyz"),
			pdu.Receipt{ID: "xyz", TextID: "xyz", State: pdu.StateRejected, Err: "E1F", Done: "20230210145400"},
		},
		"state and status in place of stat, underscores for spaces": {
			receiptMessage("id:77 submit_date:2302101454 done_date:2302101455 status:DELIVERED err:000"),
			pdu.Receipt{ID: "77", TextID: "77", State: pdu.StateDelivered, Err: "000", Done: "2302101455"},
		},
		"a state that is spelled out": {
			receiptMessage("id:77 State: EXPIRED"),
			pdu.Receipt{ID: "77", TextID: "77", State: pdu.StateExpired},
		},
		"a state parameter of 0 beside a text with a state": {
			receiptMessage("id:77 stat:DELIVRD", stateTLV(0)),
			pdu.Receipt{ID: "77", TextID: "77", State: pdu.StateDelivered},
		},
		"a state parameter that no version has beside a text with a state": {
			receiptMessage("id:77 stat:UNDELIV", stateTLV(99)),
			pdu.Receipt{ID: "77", TextID: "77", State: pdu.StateUndeliverable},
		},
		"a state parameter of 0 alone": {
			receiptMessage("id:77", stateTLV(0)),
			pdu.Receipt{ID: "77", TextID: "77", State: pdu.StateScheduled},
		},
		"commas between the fields": {
			receiptMessage("id:77,stat:DELIVRD,err:000"),
			pdu.Receipt{ID: "77", TextID: "77", State: pdu.StateDelivered, Err: "000"},
		},
		"a field without a value does not take its neighbour's": {
			receiptMessage("id: stat:DELIVRD err: text:hi", idTLV("9")),
			pdu.Receipt{ID: "9", State: pdu.StateDelivered},
		},
		"the message's text says the opposite": {
			receiptMessage("id:5 stat:UNDELIV err:001 text:id:6 stat:DELIVRD err:000"),
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateUndeliverable, Err: "001"},
		},
		"the message's text comes first": {
			receiptMessage("text:stat:DELIVRD id:6", idTLV("5"), stateTLV(8)),
			pdu.Receipt{ID: "5", State: pdu.StateRejected},
		},
		"a label within a word, and one given twice": {
			receiptMessage("valid:1 x-id:2 _id:3 id:4 stat:ENROUTE id:5 stat:DELIVRD"),
			pdu.Receipt{ID: "4", TextID: "4", State: pdu.StateEnroute},
		},
		"an ID that looks like a label": {
			receiptMessage("id:stat stat:DELIVRD"),
			pdu.Receipt{ID: "stat", TextID: "stat", State: pdu.StateDelivered},
		},
		"an ID parameter without a state: the text has it": {
			receiptMessage("stat:UNDELIV err:00B", idTLV("5")),
			pdu.Receipt{ID: "5", State: pdu.StateUndeliverable, Err: "00B"},
		},
		"a state parameter without an ID: the text has it": {
			receiptMessage("id:5 stat:DELIVRD", stateTLV(5)),
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateUndeliverable},
		},
		"an empty ID parameter": {
			receiptMessage("id:5 stat:DELIVRD", idTLV("\x00")),
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateDelivered},
		},
		"parameters alone": {
			receiptMessage("", idTLV("5"), stateTLV(3), codeTLV("\x03\x00\x1b")),
			pdu.Receipt{ID: "5", State: pdu.StateExpired, NetworkError: "3/27"},
		},
		"a network error code of three digits": {
			receiptMessage("", idTLV("5"), stateTLV(5), codeTLV("069")),
			pdu.Receipt{ID: "5", State: pdu.StateUndeliverable, NetworkError: "069"},
		},
		"a network error code of four digits": {
			receiptMessage("", idTLV("5"), stateTLV(5), codeTLV("0069")),
			pdu.Receipt{ID: "5", State: pdu.StateUndeliverable, NetworkError: "0069"},
		},
		"a network error code that is none": {
			receiptMessage("", idTLV("5"), stateTLV(5), codeTLV("\x03")),
			pdu.Receipt{ID: "5", State: pdu.StateUndeliverable},
		},
		"a state that nobody knows": {
			receiptMessage("id:5 stat:TELEPORTED"),
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateNone},
		},
		"no state": {
			receiptMessage("id:5"),
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateNone},
		},
		"the text in message_payload": {
			&pdu.Message{ESMClass: pdu.ESMReceipt, TLVs: pdu.TLVs{{Tag: pdu.MessagePayload, Value: []byte("id:5 stat:DELIVRD")}}},
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateDelivered},
		},
		"a data_sm": {
			&pdu.Data{ESMClass: pdu.ESMReceipt, TLVs: pdu.TLVs{{Tag: pdu.MessagePayload, Value: []byte("id:5 stat:DELIVRD err:000")}}},
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateDelivered, Err: "000"},
		},
		"an intermediate notification": {
			&pdu.Message{ESMClass: pdu.ESMIntermediate, ShortMessage: []byte("id:5 stat:BUFFRED")},
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateEnroute},
		},
		"a receipt with the bit of a header": {
			&pdu.Message{ESMClass: pdu.ESMReceipt | pdu.ESMHeader, ShortMessage: []byte("\x05\x00\x03\x01\x01\x01id:5 stat:DELIVRD")},
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateDelivered},
		},
		"UCS-2": {
			&pdu.Message{ESMClass: pdu.ESMReceipt, DataCoding: pdu.CodingUCS2, ShortMessage: utf16Text(binary.BigEndian, "id:5 stat:DELIVRD err:000 text:您好")},
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateDelivered, Err: "000"},
		},
		"UCS-2 without its data_coding, with a header": {
			&pdu.Message{ESMClass: pdu.ESMReceipt | pdu.ESMHeader, ShortMessage: append([]byte("\x05\x00\x03\x01\x01\x01"), utf16Text(binary.BigEndian, "id:5 stat:DELIVRD")...)},
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateDelivered},
		},
		"UTF-16 in the other order, and an octet too many": {
			&pdu.Message{ESMClass: pdu.ESMReceipt, ShortMessage: append(utf16Text(binary.LittleEndian, "\uFEFFid:5 stat:EXPIRED"), 0)},
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateExpired},
		},
		"the data_coding of UCS-2, with ASCII": {
			&pdu.Message{ESMClass: pdu.ESMReceipt, DataCoding: pdu.CodingUCS2, ShortMessage: []byte("id:5 stat:DELIVRD")},
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateDelivered},
		},
		"a header that is none": {
			&pdu.Message{ESMClass: pdu.ESMReceipt | pdu.ESMHeader, ShortMessage: []byte("id:5 stat:DELIVRD")},
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateDelivered},
		},
		"a NUL before the text": {
			receiptMessage("\x00id:1234 sub:001 dlvrd:001 done date:180625012101 stat:DELIVRD err:00"),
			pdu.Receipt{ID: "1234", TextID: "1234", State: pdu.StateDelivered, Err: "00", Done: "180625012101"},
		},
		"a character of two octets alone": {
			&pdu.Message{ESMClass: pdu.ESMReceipt, ShortMessage: []byte("\x00i"), TLVs: pdu.TLVs{idTLV("5"), stateTLV(2)}},
			pdu.Receipt{ID: "5", State: pdu.StateDelivered},
		},
		"an escape in the message's text, and a vendor's parameters": {
			receiptMessage("id:117062714244798261 sub:001 dlvrd:001 submit date:1706271624 done date:1706271624 stat:DELIVRD err:0000 text:H\x1bello world",
				codeTLV("\x00\x00\x01"), pdu.TLV{Tag: 0x1454, Value: []byte{0, 0, 0, 1}}, pdu.TLV{Tag: 0x1418, Value: make([]byte, 4)}),
			pdu.Receipt{
				ID: "117062714244798261", TextID: "117062714244798261", State: pdu.StateDelivered, Err: "0000",
				NetworkError: "0/1", Done: "1706271624",
			},
		},
		"the message's text before the state": {
			receiptMessage("id:4711 sub:001 text:hello stat:DELIVRD err:000 done date:2611230845"),
			pdu.Receipt{ID: "4711", TextID: "4711", State: pdu.StateDelivered, Err: "000", Done: "2611230845"},
		},
		"the message's text before the state, and like one": {
			receiptMessage("id:4711 text:id:6 stat:DELIVRD err:000 stat:UNDELIV err:00B"),
			pdu.Receipt{ID: "4711", TextID: "4711", State: pdu.StateUndeliverable, Err: "00B"},
		},
		"a state padded with spaces, and a space before the error": {
			receiptMessage("id:5 sub:001 dlvrd:28 stat:ACKED   err: 0 text:*100#"),
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateEnroute, Err: "0"},
		},
		"dates in the absolute format": {
			receiptMessage("id:rdwjwxns18krxr9936ey96ymcw sub:000 dlvrd:000 submit date:180711070003912+ done date:180711070000012+ stat:UNDELIV err:000"),
			pdu.Receipt{ID: "rdwjwxns18krxr9936ey96ymcw", TextID: "rdwjwxns18krxr9936ey96ymcw", State: pdu.StateUndeliverable, Err: "000", Done: "180711070000012+"},
		},
		"a state parameter of four octets": {
			receiptMessage("id:5", pdu.TLV{Tag: pdu.MessageState, Value: []byte{0, 0, 0, 2}}),
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateDelivered},
		},
		"a state parameter that knows nothing, with a text that knows": {
			receiptMessage("id:5 stat:DELIVRD", stateTLV(7)),
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateDelivered},
		},
		"a state parameter that knows nothing alone": {
			receiptMessage("id:5", stateTLV(7)),
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateUnknown},
		},
		"a state parameter that is a digit": {
			receiptMessage("id:5", stateTLV('5')),
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateUndeliverable},
		},
		"a state parameter, without the type of a receipt": {
			&pdu.Message{ShortMessage: []byte("id:5 err:000"), TLVs: pdu.TLVs{stateTLV(2)}},
			pdu.Receipt{ID: "5", TextID: "5", State: pdu.StateDelivered, Err: "000"},
		},
		"the parameter, without the type of a receipt": {
			&pdu.Message{TLVs: pdu.TLVs{idTLV("5"), stateTLV(2)}},
			pdu.Receipt{ID: "5", State: pdu.StateDelivered},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, ok := pdu.ParseReceipt(tt.body)
			require.True(t, ok)
			require.Equal(t, tt.want, withoutWord(r))
		})
	}
}

func TestParseReceipt_RefusesPeoplesMessages(t *testing.T) {
	t.Parallel()
	const forged = "id:5 sub:001 dlvrd:001 submit date:2611230844 done date:2611230844 stat:DELIVRD err:000 text:"
	for name, body := range map[string]pdu.Body{
		"a text":                   &pdu.Message{ShortMessage: []byte(forged)},
		"a text with a header":     &pdu.Message{ESMClass: pdu.ESMHeader, ShortMessage: []byte(forged)},
		"a data_sm":                &pdu.Data{TLVs: pdu.TLVs{{Tag: pdu.MessagePayload, Value: []byte(forged)}}},
		"a receipt of no message":  receiptMessage("stat:DELIVRD"),
		"a receipt in other words": receiptMessage("your message has arrived"),
		"an empty receipt":         receiptMessage(""),
		"something else":           pdu.Raw("id:5 stat:DELIVRD"),
		"nothing":                  nil,
	} {
		_, ok := pdu.ParseReceipt(body)
		require.False(t, ok, name)
	}
}

func utf16Text(order binary.AppendByteOrder, s string) (b []byte) {
	for _, unit := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, unit)
	}
	return b
}

func TestParseReceipt_KnowsWords(t *testing.T) {
	t.Parallel()
	for state, words := range map[pdu.State]string{
		pdu.StateScheduled:     "SCHEDLD SCHEDULED QUEUED",
		pdu.StateEnroute:       "ENROUTE ACKED BUFFRED BUFFERED SENT",
		pdu.StateDelivered:     "DELIVRD DELIVERED DELIVERD DELIVRED",
		pdu.StateExpired:       "EXPIRED EXPIRE EXPIRD",
		pdu.StateDeleted:       "DELETED DELETE CANCELED CANCELLED",
		pdu.StateUndeliverable: "UNDELIV UNDELIVERABLE UNDELIVERED UNDELIVRD FAILED FAIL SYSERR UNIDNTFY ZEROBAL",
		pdu.StateAccepted:      "ACCEPTD ACCEPTED ACCEPT",
		pdu.StateUnknown:       "UNKNOWN UNKNOW NULL",
		pdu.StateRejected:      "REJECTD REJECTED REJECT REJCTD BARRED BARREDA NACK NOCRED",
		pdu.StateSkipped:       "SKIPPED",
		pdu.StateNone:          "TELEPORTED",
	} {
		for word := range strings.FieldsSeq(words) {
			r, ok := pdu.ParseReceipt(receiptMessage("id:1 stat:" + strings.ToLower(word)))
			require.True(t, ok)
			require.Equal(t, state, r.State, word)
			require.Equal(t, word, r.Word)
		}
	}
}

func TestParseUnmarkedReceipt_NeedsIDAndState(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"id:5 sub:001 dlvrd:001 stat:DELIVRD err:000 text:": true,
		"id:5 stat:TELEPORTED":                              true,
		"id:5":                                              false,
		"stat:DELIVRD":                                      false,
		"Where is my parcel? id:":                           false,
		"":                                                  false,
	} {
		m := &pdu.Message{ShortMessage: []byte(text)}
		_, ok := pdu.ParseReceipt(m)
		require.False(t, ok, text)
		_, ok = pdu.ParseUnmarkedReceipt(m)
		require.Equal(t, want, ok, text)
		require.Equal(t, want, pdu.LooksLikeReceipt(m), text)
	}
	require.True(t, pdu.LooksLikeReceipt(receiptMessage("your message has arrived")))
	require.False(t, pdu.LooksLikeReceipt(nil))
}

func TestState_HasSpecificationsWord(t *testing.T) {
	t.Parallel()
	for s := pdu.StateScheduled; s <= pdu.StateSkipped; s++ {
		r, ok := pdu.ParseReceipt(receiptMessage("id:1 stat:" + strings.ToLower(s.String())))
		require.True(t, ok)
		require.Equal(t, s, r.State)
	}
	require.Equal(t, "none", pdu.StateNone.String())
	require.Equal(t, "state 77", pdu.State(77).String())
}

func TestDoneAt_TakesNearestReading(t *testing.T) {
	t.Parallel()
	taipei := time.FixedZone("CST", 8*60*60)
	for _, tt := range []struct{ done, now, want string }{
		{"2611230844", "2026-11-23T01:00:00Z", "2026-11-23T08:44:00+08:00"},
		{"261123084459", "2026-11-23T01:00:00Z", "2026-11-23T08:44:59+08:00"},
		{"20261123084459", "2026-11-23T01:00:00Z", "2026-11-23T08:44:59+08:00"},
		{"202611230844", "2026-11-23T01:00:00Z", "2026-11-23T08:44:00+08:00"},
		{"1702281424", "2023-12-11T09:00:00Z", "2023-12-11T07:57:04Z"},      // seconds
		{"1702281424", "2017-03-01T00:00:00Z", "2017-02-28T14:24:00+08:00"}, // a date
		{"1790000000", "2026-09-21T14:00:00Z", "2026-09-21T14:13:20Z"},      // no date at all
		{"2610240844", "2026-11-23T01:00:00Z", "2026-10-24T08:44:00+08:00"},
		{"2611240844", "2026-11-23T01:00:00Z", "2026-11-24T08:44:00+08:00"},
		{"2610220844", "2026-11-23T01:00:00Z", ""}, // too long ago
		{"2611241000", "2026-11-23T01:00:00Z", ""}, // too far ahead
		{"0000000000", "2026-11-23T01:00:00Z", ""},
		{"0001010000", "2026-11-23T01:00:00Z", ""},
		{"000000000000", "2026-11-23T01:00:00Z", ""},
		{"261123084459012+", "2026-11-23T01:00:00Z", "2026-11-23T08:44:59+03:00"},
		{"261123084459904-", "2026-11-23T01:00:00Z", "2026-11-23T08:44:59-01:00"},
		{"2611230844590xx+", "2026-11-23T01:00:00Z", ""},
		{"26112308445xx12+", "2026-11-23T01:00:00Z", ""},
		{"today", "2026-11-23T01:00:00Z", ""},
		{"", "2026-11-23T01:00:00Z", ""},
		{"26112308", "2026-11-23T01:00:00Z", ""},
	} {
		now, err := time.Parse(time.RFC3339, tt.now)
		require.NoError(t, err)
		got := pdu.Receipt{Done: tt.done}.DoneAt(taipei, now)
		if tt.want == "" {
			require.Zero(t, got, tt.done)
			continue
		}
		want, err := time.Parse(time.RFC3339, tt.want)
		require.NoError(t, err)
		require.WithinDuration(t, want, got, 0, "%s at %s", tt.done, tt.now)
	}
}

// The fields come in any order, and the message's own text is arbitrary.
func TestParseReceipt_FieldOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	fields := []string{"id:42", "sub:001", "dlvrd:001", "submit date:2611230844", "done date:2611230845", "stat:UNDELIV", "err:069"}
	rapid.Check(t, func(t *rapid.T) {
		shuffled := rapid.Permutation(fields).Draw(t, "fields")
		text := strings.Join(shuffled, rapid.SampledFrom([]string{" ", "  ", "\n", ", "}).Draw(t, "between"))
		text += " text:" + rapid.String().Draw(t, "text")
		r, ok := pdu.ParseReceipt(receiptMessage(text))
		require.True(t, ok)
		require.Equal(t, pdu.Receipt{ID: "42", TextID: "42", State: pdu.StateUndeliverable, Err: "069", Done: "2611230845"}, withoutWord(r))
	})
}

func FuzzReceipt(f *testing.F) {
	f.Add("id:0123456789 sub:001 dlvrd:001 submit date:2611230844 done date:2611230845 stat:DELIVRD err:000 text:Hello", "", []byte{2}, []byte{3, 0, 27})
	f.Add("id: stat:DELIVRD donedate:1702281424", "A1\x00", []byte{}, []byte("069"))
	f.Add("submit date submit  :done date:id", "", []byte(nil), []byte(nil))
	f.Fuzz(func(t *testing.T, text, messageID string, messageState, networkError []byte) {
		m := &pdu.Data{ESMClass: pdu.ESMReceipt, TLVs: pdu.TLVs{
			{Tag: pdu.MessagePayload, Value: []byte(text)},
			{Tag: pdu.MessageState, Value: messageState},
			{Tag: pdu.NetworkErrorCode, Value: networkError},
		}}
		fromText, ok := pdu.ParseReceipt(m)
		require.Equal(t, ok, fromText.ID != "")
		require.Equal(t, fromText.ID, fromText.TextID)
		if slices.ContainsFunc([]byte(text), func(b byte) bool { return b == 0 || b >= 0xFE }) { // it may be UTF-16
			return
		}
		for _, field := range []string{fromText.ID, fromText.Err, fromText.Done} {
			require.Contains(t, text, field)
			require.NotContains(t, field, " ")
		}
		_ = fromText.DoneAt(time.UTC, time.Unix(1_800_000_000, 0)).String()

		m.TLVs = append(m.TLVs, idTLV(messageID))
		named, _ := pdu.ParseReceipt(m)
		if messageID != "" && strings.Trim(messageID, "0123456789abcdefABCDEF-") == "" {
			require.Equal(t, messageID, named.ID, "the parameter goes before the text")
		}
		require.Equal(t, fromText.State, named.State)

		after, _ := pdu.ParseReceipt(receiptMessage("id:1 stat:UNDELIV err:001 text:" + text))
		if len(text) < 200 {
			require.Equal(t, pdu.Receipt{ID: "1", TextID: "1", State: pdu.StateUndeliverable, Err: "001"}, withoutWord(after))
		}
	})
}
