package oracle

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/linxGnu/gosmpp/data"
	gosmpp "github.com/linxGnu/gosmpp/pdu"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
)

// TestPDU_AgreesWithGosmpp proves that package pdu and gosmpp write the same bytes for the
// same PDU, and read them alike. It leaves out values that gosmpp gets wrong or interprets:
// sequence numbers and sizes with the highest bit set, empty parameters, data codings that
// it does not know, a user data header, and the name in a refusal of a bind.
func TestPDU_AgreesWithGosmpp(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]func(*rapid.T) (pdu.PDU, gosmpp.PDU){
		"bind": drawBind, "bind_resp": drawBindResp, "message": drawMessage, "data": drawData,
		"message_resp": drawMessageResp, "query": drawQuery, "query_resp": drawQueryResp, "cancel": drawCancel, "bodiless": drawBodiless,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				ours, theirs := kind(t)
				ours.Sequence = rapid.Uint32Max(0x7FFFFFFF).Draw(t, "sequence")
				theirs.SetSequenceNumber(int32(ours.Sequence))

				buffer := gosmpp.NewBuffer(nil)
				theirs.Marshal(buffer)
				written, err := pdu.Append(nil, ours)
				require.NoError(t, err)
				require.Equal(t, buffer.Bytes(), written)

				h, err := pdu.ParseHeader(written)
				require.NoError(t, err)
				read, err := pdu.Parse(h, written[pdu.HeaderLength:])
				require.NoError(t, err)
				require.Equal(t, ours, read)

				got, err := gosmpp.Parse(bytes.NewReader(written))
				require.NoError(t, err)
				require.IsType(t, theirs, got)
				again := gosmpp.NewBuffer(nil)
				got.Marshal(again)
				require.Equal(t, written, again.Bytes(), "gosmpp reads another PDU")
			})
		})
	}
}

func drawText(t *rapid.T, field string, size int) string {
	return rapid.StringOfN(rapid.RuneFrom([]rune("aZ09 -+@\x01\x7f")), 0, size, -1).Draw(t, field)
}

func drawOctet(t *rapid.T, field string) byte { return rapid.Byte().Draw(t, field) }

func drawOctets(t *rapid.T, field string, least, most int) []byte {
	return append([]byte(nil), rapid.SliceOfN(rapid.Byte(), least, most).Draw(t, field)...)
}

func drawAddress(t *rapid.T, field string) (pdu.Address, gosmpp.Address) {
	a := pdu.Address{TON: drawOctet(t, field), NPI: drawOctet(t, field), Addr: drawText(t, field, 20)}
	theirs, err := gosmpp.NewAddressWithTonNpiAddr(a.TON, a.NPI, a.Addr)
	require.NoError(t, err)
	return a, theirs
}

func drawStatus(t *rapid.T, header *gosmpp.Header) pdu.Status {
	s := rapid.Uint32Max(0x4FF).Draw(t, "status")
	header.CommandStatus = data.CommandStatusType(s)
	return pdu.Status(s)
}

// drawTLVs draws at most one parameter, because gosmpp keeps several in the order of a map.
func drawTLVs(t *rapid.T, theirs map[gosmpp.Tag]gosmpp.Field) pdu.TLVs {
	if !rapid.Bool().Draw(t, "parameter") {
		return nil
	}
	tlv := pdu.TLV{
		Tag:   pdu.Tag(rapid.Uint16().Draw(t, "tag")),
		Value: drawOctets(t, "value", 1, 600),
	}
	theirs[gosmpp.Tag(tlv.Tag)] = gosmpp.Field{Tag: gosmpp.Tag(tlv.Tag), Data: tlv.Value}
	return pdu.TLVs{tlv}
}

// drawOperation draws one of the operations and returns gosmpp's PDU for it.
func drawOperation[P gosmpp.PDU](t *rapid.T, kinds map[pdu.ID]func() gosmpp.PDU) (pdu.ID, P) {
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(kinds))).Draw(t, "id")
	return id, kinds[id]().(P)
}

func drawBind(t *rapid.T) (pdu.PDU, gosmpp.PDU) {
	id, theirs := drawOperation[*gosmpp.BindRequest](t, map[pdu.ID]func() gosmpp.PDU{
		pdu.BindReceiver: gosmpp.NewBindReceiver, pdu.BindTransmitter: gosmpp.NewBindTransmitter,
		pdu.BindTransceiver: gosmpp.NewBindTransceiver,
	})
	ours := &pdu.Bind{
		SystemID: drawText(t, "system_id", 15), Password: drawText(t, "password", 8), SystemType: drawText(t, "system_type", 12),
		InterfaceVersion: drawOctet(t, "version"),
		AddressRange:     pdu.Address{TON: drawOctet(t, "ton"), NPI: drawOctet(t, "npi"), Addr: drawText(t, "range", 40)},
	}
	theirs.SystemID, theirs.Password, theirs.SystemType = ours.SystemID, ours.Password, ours.SystemType
	theirs.InterfaceVersion = ours.InterfaceVersion
	theirs.AddressRange = gosmpp.NewAddressRangeWithTonNpiAddr(ours.AddressRange.TON, ours.AddressRange.NPI, ours.AddressRange.Addr)
	return pdu.PDU{ID: id, Body: ours}, theirs
}

func drawBindResp(t *rapid.T) (pdu.PDU, gosmpp.PDU) {
	id, theirs := drawOperation[*gosmpp.BindResp](t, map[pdu.ID]func() gosmpp.PDU{
		pdu.BindReceiverResp: gosmpp.NewBindReceiverResp, pdu.BindTransmitterResp: gosmpp.NewBindTransmitterResp,
		pdu.BindTransceiverResp: gosmpp.NewBindTransceiverResp,
	})
	ours := &pdu.BindResp{SystemID: drawText(t, "system_id", 15), TLVs: drawTLVs(t, theirs.OptionalParameters)}
	theirs.SystemID = ours.SystemID
	return pdu.PDU{ID: id, Body: ours}, theirs
}

func drawMessage(t *rapid.T) (pdu.PDU, gosmpp.PDU) {
	coding := rapid.SampledFrom([]data.Encoding{data.GSM7BIT, data.ASCII, data.LATIN1, data.BINARY8BIT2, data.UCS2}).Draw(t, "coding")
	ours := &pdu.Message{
		ServiceType: drawText(t, "service_type", 5),
		ESMClass:    drawOctet(t, "esm_class") &^ pdu.ESMHeader, ProtocolID: drawOctet(t, "protocol_id"), PriorityFlag: drawOctet(t, "priority"),
		ScheduleDeliveryTime: drawText(t, "schedule", 16), ValidityPeriod: drawText(t, "validity", 16),
		RegisteredDelivery: drawOctet(t, "registered"), ReplaceIfPresent: drawOctet(t, "replace"),
		DataCoding: coding.DataCoding(), DefaultMessageID: drawOctet(t, "default"),
		ShortMessage: drawOctets(t, "short_message", 0, 254),
	}
	var source, destination gosmpp.Address
	ours.Source, source = drawAddress(t, "source")
	ours.Destination, destination = drawAddress(t, "destination")
	text, err := gosmpp.NewBinaryShortMessageWithEncoding(ours.ShortMessage, coding)
	require.NoError(t, err)
	text.SmDefaultMsgID = ours.DefaultMessageID

	if rapid.Bool().Draw(t, "deliver_sm") {
		theirs := gosmpp.NewDeliverSM().(*gosmpp.DeliverSM)
		theirs.ServiceType, theirs.SourceAddr, theirs.DestAddr, theirs.Message = ours.ServiceType, source, destination, text
		theirs.EsmClass, theirs.ProtocolID, theirs.PriorityFlag = ours.ESMClass, ours.ProtocolID, ours.PriorityFlag
		theirs.ScheduleDeliveryTime, theirs.ValidityPeriod = ours.ScheduleDeliveryTime, ours.ValidityPeriod
		theirs.RegisteredDelivery, theirs.ReplaceIfPresentFlag = ours.RegisteredDelivery, ours.ReplaceIfPresent
		ours.TLVs = drawTLVs(t, theirs.OptionalParameters)
		return pdu.PDU{ID: pdu.DeliverSM, Body: ours}, theirs
	}
	theirs := gosmpp.NewSubmitSM().(*gosmpp.SubmitSM)
	theirs.ServiceType, theirs.SourceAddr, theirs.DestAddr, theirs.Message = ours.ServiceType, source, destination, text
	theirs.EsmClass, theirs.ProtocolID, theirs.PriorityFlag = ours.ESMClass, ours.ProtocolID, ours.PriorityFlag
	theirs.ScheduleDeliveryTime, theirs.ValidityPeriod = ours.ScheduleDeliveryTime, ours.ValidityPeriod
	theirs.RegisteredDelivery, theirs.ReplaceIfPresentFlag = ours.RegisteredDelivery, ours.ReplaceIfPresent
	ours.TLVs = drawTLVs(t, theirs.OptionalParameters)
	return pdu.PDU{ID: pdu.SubmitSM, Body: ours}, theirs
}

func drawData(t *rapid.T) (pdu.PDU, gosmpp.PDU) {
	theirs := gosmpp.NewDataSM().(*gosmpp.DataSM)
	ours := &pdu.Data{
		ServiceType: drawText(t, "service_type", 5), ESMClass: drawOctet(t, "esm_class"),
		RegisteredDelivery: drawOctet(t, "registered"), DataCoding: drawOctet(t, "coding"),
		TLVs: drawTLVs(t, theirs.OptionalParameters),
	}
	ours.Source, theirs.SourceAddr = drawAddress(t, "source")
	ours.Destination, theirs.DestAddr = drawAddress(t, "destination")
	theirs.ServiceType, theirs.EsmClass = ours.ServiceType, ours.ESMClass
	theirs.RegisteredDelivery, theirs.DataCoding = ours.RegisteredDelivery, ours.DataCoding
	return pdu.PDU{ID: pdu.DataSM, Body: ours}, theirs
}

func drawMessageResp(t *rapid.T) (pdu.PDU, gosmpp.PDU) {
	ours := &pdu.MessageResp{MessageID: drawText(t, "message_id", 64)}
	switch rapid.IntRange(0, 2).Draw(t, "operation") {
	case 0:
		theirs := gosmpp.NewSubmitSMResp().(*gosmpp.SubmitSMResp)
		theirs.MessageID = ours.MessageID
		ours.TLVs = drawTLVs(t, theirs.OptionalParameters)
		return pdu.PDU{ID: pdu.SubmitSMResp, Status: drawStatus(t, &theirs.Header), Body: ours}, theirs
	case 1:
		theirs := gosmpp.NewDeliverSMResp().(*gosmpp.DeliverSMResp)
		theirs.MessageID = ours.MessageID
		ours.TLVs = drawTLVs(t, theirs.OptionalParameters)
		return pdu.PDU{ID: pdu.DeliverSMResp, Status: drawStatus(t, &theirs.Header), Body: ours}, theirs
	default:
		theirs := gosmpp.NewDataSMResp().(*gosmpp.DataSMResp)
		theirs.MessageID = ours.MessageID
		ours.TLVs = drawTLVs(t, theirs.OptionalParameters)
		return pdu.PDU{ID: pdu.DataSMResp, Status: drawStatus(t, &theirs.Header), Body: ours}, theirs
	}
}

func drawQuery(t *rapid.T) (pdu.PDU, gosmpp.PDU) {
	ours := &pdu.Query{MessageID: drawText(t, "message_id", 64)}
	theirs := gosmpp.NewQuerySM().(*gosmpp.QuerySM)
	theirs.MessageID = ours.MessageID
	ours.Source, theirs.SourceAddr = drawAddress(t, "source")
	return pdu.PDU{ID: pdu.QuerySM, Body: ours}, theirs
}

func drawCancel(t *rapid.T) (pdu.PDU, gosmpp.PDU) {
	ours := &pdu.Cancel{ServiceType: drawText(t, "service_type", 5), MessageID: drawText(t, "message_id", 64)}
	theirs := gosmpp.NewCancelSM().(*gosmpp.CancelSM)
	theirs.ServiceType, theirs.MessageID = ours.ServiceType, ours.MessageID
	ours.Source, theirs.SourceAddr = drawAddress(t, "source")
	ours.Destination, theirs.DestAddr = drawAddress(t, "destination")
	return pdu.PDU{ID: pdu.CancelSM, Body: ours}, theirs
}

func drawQueryResp(t *rapid.T) (pdu.PDU, gosmpp.PDU) {
	ours := &pdu.QueryResp{
		MessageID: drawText(t, "message_id", 64), FinalDate: drawText(t, "final_date", 16),
		State: pdu.State(rapid.Byte().Draw(t, "state")), ErrorCode: rapid.Byte().Draw(t, "error_code"),
	}
	theirs := gosmpp.NewQuerySMResp().(*gosmpp.QuerySMResp)
	theirs.MessageID, theirs.FinalDate = ours.MessageID, ours.FinalDate
	theirs.MessageState, theirs.ErrorCode = byte(ours.State), ours.ErrorCode
	return pdu.PDU{ID: pdu.QuerySMResp, Status: drawStatus(t, &theirs.Header), Body: ours}, theirs
}

func drawBodiless(t *rapid.T) (pdu.PDU, gosmpp.PDU) {
	id, theirs := drawOperation[gosmpp.PDU](t, map[pdu.ID]func() gosmpp.PDU{
		pdu.EnquireLink: gosmpp.NewEnquireLink, pdu.EnquireLinkResp: gosmpp.NewEnquireLinkResp,
		pdu.Unbind: gosmpp.NewUnbind, pdu.UnbindResp: gosmpp.NewUnbindResp, pdu.GenericNack: gosmpp.NewGenericNack,
	})
	return pdu.PDU{ID: id}, theirs
}
