package pdu_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
)

// mustParse parses one whole PDU.
func mustParse(t require.TestingT, b []byte) pdu.PDU {
	h, err := pdu.ParseHeader(b)
	require.NoError(t, err)
	require.Len(t, b, int(h.Length))
	p, err := pdu.Parse(h, b[pdu.HeaderLength:])
	require.NoError(t, err)
	return p
}

func mustDecodeHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Map(func(r rune) rune {
		if r == ' ' || r == '\n' || r == '\t' {
			return -1
		}
		return r
	}, s))
	require.NoError(t, err)
	return b
}

// bindTransmitter is the example in section 3.2.3 of the specification.
const bindTransmitter = `
	0000002F 00000002 00000000 00000001
	534D50503354455354 00 7365637265743038 00 5355424D495431 00
	00 01 01 00`

func TestParse_SpecificationsExample(t *testing.T) {
	t.Parallel()
	want := pdu.PDU{ID: pdu.BindTransmitter, Sequence: 1, Body: &pdu.Bind{
		SystemID: "SMPP3TEST", Password: "secret08", SystemType: "SUBMIT1",
		AddressRange: pdu.Address{TON: 1, NPI: 1},
	}}
	require.Equal(t, want, mustParse(t, mustDecodeHex(t, bindTransmitter)))
	b, err := pdu.Append(nil, want)
	require.NoError(t, err)
	require.Equal(t, mustDecodeHex(t, bindTransmitter), b)
}

// SMSCs are known to send these bodies, which the specification does not allow.
func TestParse_ResponseMayLackFields(t *testing.T) {
	t.Parallel()
	info := pdu.TLVs{{Tag: 0x001D, Value: []byte("no")}}
	for name, tt := range map[string]struct {
		id   pdu.ID
		body string
		want pdu.Body
	}{
		"a refused bind without a body":      {pdu.BindTransceiverResp, "", &pdu.BindResp{}},
		"a refused bind with a name":         {pdu.BindTransceiverResp, "736D736300", &pdu.BindResp{SystemID: "smsc"}},
		"a name without its NUL":             {pdu.BindTransceiverResp, "736D7363", &pdu.BindResp{SystemID: "smsc"}},
		"a refused submit without a body":    {pdu.SubmitSMResp, "", &pdu.MessageResp{}},
		"a refused submit with an empty ID":  {pdu.SubmitSMResp, "00", &pdu.MessageResp{}},
		"a refused submit with an ID":        {pdu.SubmitSMResp, "414200", &pdu.MessageResp{MessageID: "AB"}},
		"an ID and a parameter":              {pdu.SubmitSMResp, "00 001D 0002 6E6F", &pdu.MessageResp{TLVs: info}},
		"a parameter and no ID":              {pdu.SubmitSMResp, "001D 0002 6E6F", &pdu.MessageResp{TLVs: info}},
		"a parameter with a high tag, no ID": {pdu.SubmitSMResp, "0423 0003 030001", &pdu.MessageResp{TLVs: pdu.TLVs{{Tag: 0x0423, Value: []byte{3, 0, 1}}}}},
		"an ID without its NUL":              {pdu.SubmitSMResp, "4142", &pdu.MessageResp{MessageID: "AB"}},
		"an ID and padding":                  {pdu.SubmitSMResp, "414200 000000", &pdu.MessageResp{MessageID: "AB"}},
		"a parameter that is cut off":        {pdu.SubmitSMResp, "414200 001D 0002 6E6F 001D 0009 00", &pdu.MessageResp{MessageID: "AB", TLVs: info}},
		"an answered delivery":               {pdu.DeliverSMResp, "", &pdu.MessageResp{}},
		"a refused query without a body":     {pdu.QuerySMResp, "", &pdu.QueryResp{}},
		"a query that is cut off":            {pdu.QuerySMResp, "414200 00", &pdu.QueryResp{MessageID: "AB"}},
		"an answered link":                   {pdu.EnquireLinkResp, "FF", nil},
		"a refusal of anything":              {pdu.GenericNack, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := mustDecodeHex(t, tt.body)
			p, err := pdu.Parse(pdu.Header{ID: tt.id, Status: pdu.RINVPASWD, Sequence: 0xFFFFFFFE}, body)
			require.NoError(t, err)
			require.Equal(t, pdu.PDU{ID: tt.id, Status: pdu.RINVPASWD, Sequence: 0xFFFFFFFE, Body: tt.want}, p)
		})
	}
}

func TestParse_UnknownOperationIsValue(t *testing.T) {
	t.Parallel()
	for _, id := range []pdu.ID{0x00000007, 0x00000111, pdu.AlertNotification, 0x80000111} {
		p, err := pdu.Parse(pdu.Header{ID: id, Sequence: 5}, []byte{1, 2})
		require.NoError(t, err)
		require.Equal(t, pdu.PDU{ID: id, Sequence: 5, Body: pdu.Raw{1, 2}}, p)
	}
	require.Equal(t, "0x00000111", pdu.ID(0x111).String())
	require.Equal(t, "submit_sm_resp", pdu.SubmitSM.Response().String())
	require.True(t, pdu.ID(0x80000111).IsResponse())
	require.False(t, pdu.AlertNotification.IsResponse())
}

func TestParseHeader_RefusesInvalidLength(t *testing.T) {
	t.Parallel()
	for _, length := range []string{"00000000", "0000000F", "00020001", "FFFFFFFF"} {
		_, err := pdu.ParseHeader(mustDecodeHex(t, length+"00000015 00000000 00000001"))
		require.ErrorIs(t, err, pdu.ErrLength, length)
	}
	_, err := pdu.ParseHeader(mustDecodeHex(t, "00000010 00000015 00000000 000000"))
	require.ErrorIs(t, err, pdu.ErrLength, "cut off")
	h, err := pdu.ParseHeader(mustDecodeHex(t, "00020000 00000015 00000000 00000001"))
	require.NoError(t, err)
	require.EqualValues(t, pdu.MaxLength, h.Length)
}

func TestParse_RefusesTruncatedBody(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]pdu.PDU{
		"message": {ID: pdu.DeliverSM, Sequence: 9, Body: &pdu.Message{ServiceType: "CMT"}},
		"data":    {ID: pdu.DataSM, Sequence: 9, Body: &pdu.Data{Source: pdu.Address{Addr: "123"}}},
		"bind":    {ID: pdu.BindTransceiver, Sequence: 9, Body: &pdu.Bind{SystemID: "u"}},
	} {
		whole, err := pdu.Append(nil, p)
		require.NoError(t, err)
		body := whole[pdu.HeaderLength:]
		for n := range body {
			cut, err := pdu.Parse(pdu.Header{ID: p.ID, Sequence: 9}, body[:n])
			require.ErrorIs(t, err, pdu.ErrBody, "%s, %d octets", name, n)
			require.Equal(t, pdu.PDU{ID: p.ID, Sequence: 9}, cut, "whom to answer")
		}
	}
}

func TestParse_TextEndsWithBody(t *testing.T) {
	t.Parallel()
	whole, err := pdu.Append(nil, pdu.PDU{ID: pdu.DeliverSM, Sequence: 9, Body: &pdu.Message{ShortMessage: []byte("hello")}})
	require.NoError(t, err)
	whole[len(whole)-6] = 200 // sm_length
	p, err := pdu.Parse(pdu.Header{ID: pdu.DeliverSM, Sequence: 9}, whole[pdu.HeaderLength:])
	require.NoError(t, err)
	require.Equal(t, &pdu.Message{ShortMessage: []byte("hello")}, p.Body)
}

func TestAppend_RefusesFieldThatDoesNotFit(t *testing.T) {
	t.Parallel()
	long := func(n int) pdu.TLVs { return pdu.TLVs{{Tag: pdu.MessagePayload, Value: make([]byte, n)}} }
	for _, tt := range []struct {
		want string
		body pdu.Body
	}{
		{"short_message has 256 octets", &pdu.Message{ShortMessage: make([]byte, 256)}},
		{"0x0424 has 65536 octets", &pdu.Message{TLVs: long(65536)}},
		{"0x0424 has 65536 octets", &pdu.Data{TLVs: long(65536)}},
		{"0x0424 has 65536 octets", &pdu.MessageResp{TLVs: long(65536)}},
		{"131", &pdu.Message{TLVs: append(long(65535), long(65535)...)}},
		{"service_type holds a NUL", &pdu.Message{ServiceType: "\x00", ValidityPeriod: "\x00"}},
		{"source_addr holds a NUL", &pdu.Message{Source: pdu.Address{Addr: "1\x00"}}},
		{"destination_addr holds a NUL", &pdu.Data{Destination: pdu.Address{Addr: "\x001"}}},
		{"schedule_delivery_time holds a NUL", &pdu.Message{ScheduleDeliveryTime: "\x00"}},
		{"validity_period holds a NUL", &pdu.Message{ValidityPeriod: "\x00"}},
		{"message_id holds a NUL", &pdu.MessageResp{MessageID: "\x00"}},
		{"message_id holds a NUL", &pdu.Query{MessageID: "\x00"}},
		{"final_date holds a NUL", &pdu.QueryResp{FinalDate: "\x00"}},
		{"system_id holds a NUL", &pdu.BindResp{SystemID: "\x00"}},
		{"password holds a NUL", &pdu.Bind{Password: "secret\x00"}},
	} {
		b, err := pdu.Append([]byte("before"), pdu.PDU{ID: pdu.SubmitSM, Body: tt.body})
		require.ErrorContains(t, err, tt.want)
		require.NotContains(t, err.Error(), "secret")
		require.Equal(t, "before", string(b))
	}
}

func TestAppend_DoesNotAllocate(t *testing.T) {
	p := pdu.PDU{ID: pdu.SubmitSM, Sequence: 1, Body: &pdu.Message{
		Source:             pdu.Address{TON: 5, Addr: "SMSPLUS"},
		Destination:        pdu.Address{TON: 1, NPI: 1, Addr: "886912345678"},
		RegisteredDelivery: pdu.ReceiptWanted,
		ShortMessage:       make([]byte, 140),
		TLVs:               pdu.TLVs{{Tag: pdu.SARMsgRefNum, Value: []byte{0, 1}}},
	}}
	b := make([]byte, 0, 1024)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		var err error
		if b, err = pdu.Append(b[:0], p); err != nil {
			t.Error(err)
		}
	}))
	require.NotEmpty(t, b)
}

func TestStatus_StringHasNumberAndName(t *testing.T) {
	t.Parallel()
	require.Equal(t, "0x0b RINVDSTADR", pdu.RINVDSTADR.String())
	require.Equal(t, "0x64 RX_T_APPN", pdu.RXTAPPN.String())
	require.Equal(t, "0x4a1", pdu.Status(0x4A1).String())
}

// The generators of PDUs.

var (
	texts  = rapid.StringMatching(`[^\x00]{0,20}`)
	octets = rapid.Uint8()
	addrs  = rapid.Custom(func(t *rapid.T) pdu.Address {
		return pdu.Address{TON: octets.Draw(t, "ton"), NPI: octets.Draw(t, "npi"), Addr: texts.Draw(t, "addr")}
	})
	tlvLists = rapid.Custom(func(t *rapid.T) pdu.TLVs {
		var ts pdu.TLVs
		for range rapid.IntRange(0, 3).Draw(t, "tlvs") {
			ts = append(ts, pdu.TLV{Tag: pdu.Tag(rapid.Uint16().Draw(t, "tag")), Value: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "value")})
		}
		return ts
	})
)

func drawPDU(t *rapid.T) pdu.PDU {
	p := pdu.PDU{Status: pdu.Status(rapid.Uint32().Draw(t, "status")), Sequence: rapid.Uint32().Draw(t, "sequence")}
	one := func(ids ...pdu.ID) pdu.ID { return rapid.SampledFrom(ids).Draw(t, "id") }
	switch rapid.IntRange(0, 8).Draw(t, "kind") {
	case 0:
		p.ID = one(pdu.BindReceiver, pdu.BindTransmitter, pdu.BindTransceiver)
		p.Body = &pdu.Bind{
			SystemID: texts.Draw(t, "system_id"), Password: texts.Draw(t, "password"), SystemType: texts.Draw(t, "system_type"),
			InterfaceVersion: octets.Draw(t, "version"), AddressRange: addrs.Draw(t, "range"),
		}
	case 1:
		p.ID = one(pdu.BindReceiverResp, pdu.BindTransmitterResp, pdu.BindTransceiverResp)
		p.Body = &pdu.BindResp{SystemID: texts.Draw(t, "system_id"), TLVs: tlvLists.Draw(t, "tlvs")}
	case 2:
		p.ID = one(pdu.SubmitSM, pdu.DeliverSM)
		m := &pdu.Message{
			ServiceType: texts.Draw(t, "service_type"), Source: addrs.Draw(t, "source"), Destination: addrs.Draw(t, "destination"),
			ESMClass: octets.Draw(t, "esm_class"), ProtocolID: octets.Draw(t, "protocol_id"), PriorityFlag: octets.Draw(t, "priority"),
			ScheduleDeliveryTime: texts.Draw(t, "schedule"), ValidityPeriod: texts.Draw(t, "validity"),
			RegisteredDelivery: octets.Draw(t, "registered"), ReplaceIfPresent: octets.Draw(t, "replace"),
			DataCoding: octets.Draw(t, "coding"), DefaultMessageID: octets.Draw(t, "default"), TLVs: tlvLists.Draw(t, "tlvs"),
		}
		if n := rapid.IntRange(0, 255).Draw(t, "sm_length"); n > 0 {
			m.ShortMessage = rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "short_message")
		}
		p.Body = m
	case 3:
		p.ID = pdu.DataSM
		p.Body = &pdu.Data{
			ServiceType: texts.Draw(t, "service_type"), Source: addrs.Draw(t, "source"), Destination: addrs.Draw(t, "destination"),
			ESMClass: octets.Draw(t, "esm_class"), RegisteredDelivery: octets.Draw(t, "registered"),
			DataCoding: octets.Draw(t, "coding"), TLVs: tlvLists.Draw(t, "tlvs"),
		}
	case 4:
		p.ID = one(pdu.SubmitSMResp, pdu.DeliverSMResp, pdu.DataSMResp)
		p.Body = &pdu.MessageResp{MessageID: texts.Draw(t, "message_id"), TLVs: tlvLists.Draw(t, "tlvs")}
	case 5:
		p.ID = pdu.QuerySM
		p.Body = &pdu.Query{MessageID: texts.Draw(t, "message_id"), Source: addrs.Draw(t, "source")}
		if rapid.Bool().Draw(t, "cancel") {
			p.ID = pdu.CancelSM
			p.Body = &pdu.Cancel{
				ServiceType: texts.Draw(t, "service_type"), MessageID: texts.Draw(t, "message_id"),
				Source: addrs.Draw(t, "source"), Destination: addrs.Draw(t, "destination"),
			}
		}
	case 6:
		p.ID = pdu.QuerySMResp
		p.Body = &pdu.QueryResp{
			MessageID: texts.Draw(t, "message_id"), FinalDate: texts.Draw(t, "final_date"),
			State: pdu.State(octets.Draw(t, "state")), ErrorCode: octets.Draw(t, "error_code"),
		}
	case 7:
		p.ID = one(pdu.EnquireLink, pdu.EnquireLinkResp, pdu.Unbind, pdu.UnbindResp, pdu.GenericNack)
	default:
		p.ID = pdu.ID(rapid.Uint32Range(0x200, 0xFFFF).Draw(t, "id"))
		p.Body = pdu.Raw(rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "raw"))
	}
	return p
}

func TestParse_ReadsWhatAppendWrites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPDU(t)
		b, err := pdu.Append([]byte("before"), p)
		require.NoError(t, err)
		require.Equal(t, "before", string(b[:6]))
		require.Equal(t, p, mustParse(t, b[6:]))
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		bindTransmitter,
		"00000010 80000009 0000000E 00000001",                        // the answer of node-smpp to a wrong password
		"00000015 00000003 00000000 00000001 04230001 00",            // query_sm with a parameter
		"0000001A 80000004 00000058 00000002 001D 0006 627573792100", // an error with a parameter and no ID
		"00000011 80000004 00000000 00000003 41",
		`00000048 00000005 00000000 00000004 00 010138383600 05005300 04 00 00 00 00 00 00 00 00 0A
			69643A4120737461743A 001E0003 414200 0427000102 04230003 030001`,
	} {
		b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := pdu.ParseHeader(b)
		if err != nil {
			return
		}
		p, err := pdu.Parse(h, b[pdu.HeaderLength:min(len(b), int(h.Length))])
		if err != nil {
			require.ErrorIs(t, err, pdu.ErrBody)
			return
		}
		again, err := pdu.Append(nil, p)
		if len(b) < pdu.MaxLength { // a NUL may be added
			require.NoError(t, err)
			require.Equal(t, p, mustParse(t, again))
		}
		if r, ok := pdu.ParseReceipt(p.Body); ok {
			require.NotEmpty(t, r.ID)
			require.NotContains(t, r.ID, "\x00")
		}
	})
}
