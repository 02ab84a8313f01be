package oracle

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/linxGnu/gosmpp/data"
	other "github.com/linxGnu/gosmpp/pdu"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
)

// What one implementation writes, the other reads as the same; both ways, and byte
// by byte. Left out is what the other one gets wrong or reads a meaning into:
// sequence numbers and sizes with the highest bit set, parameters of no octets, data
// codings that it does not know, a user data header, the name in a refusal of a bind.
func TestPDU_AgreesWithGosmpp(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]func(*rapid.T) (pdu.PDU, other.PDU){
		"bind": drawBind, "bind_resp": drawBindResp, "message": drawMessage, "data": drawData,
		"message_resp": drawMessageResp, "bodiless": drawBodiless,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				ours, theirs := kind(t)
				ours.Sequence = rapid.Uint32Max(0x7FFFFFFF).Draw(t, "sequence")
				theirs.SetSequenceNumber(int32(ours.Sequence))

				buffer := other.NewBuffer(nil)
				theirs.Marshal(buffer)
				written, err := pdu.Append(nil, ours)
				require.NoError(t, err)
				require.Equal(t, buffer.Bytes(), written)

				h, err := pdu.ParseHeader(written)
				require.NoError(t, err)
				read, err := pdu.Parse(h, written[pdu.HeaderLength:])
				require.NoError(t, err)
				require.Equal(t, ours, read)

				got, err := other.Parse(bytes.NewReader(written))
				require.NoError(t, err)
				require.IsType(t, theirs, got)
				again := other.NewBuffer(nil)
				got.Marshal(again)
				require.Equal(t, written, again.Bytes(), "they read something else")
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

func drawAddress(t *rapid.T, field string) (pdu.Address, other.Address) {
	a := pdu.Address{TON: drawOctet(t, field), NPI: drawOctet(t, field), Addr: drawText(t, field, 20)}
	theirs, err := other.NewAddressWithTonNpiAddr(a.TON, a.NPI, a.Addr)
	require.NoError(t, err)
	return a, theirs
}

func drawStatus(t *rapid.T, header *other.Header) pdu.Status {
	s := rapid.Uint32Max(0x4FF).Draw(t, "status")
	header.CommandStatus = data.CommandStatusType(s)
	return pdu.Status(s)
}

// drawTLVs draws one parameter at most: the other implementation keeps several in the
// order of a map.
func drawTLVs(t *rapid.T, theirs map[other.Tag]other.Field) pdu.TLVs {
	if !rapid.Bool().Draw(t, "parameter") {
		return nil
	}
	tlv := pdu.TLV{
		Tag:   pdu.Tag(rapid.Uint16().Draw(t, "tag")),
		Value: drawOctets(t, "value", 1, 600),
	}
	theirs[other.Tag(tlv.Tag)] = other.Field{Tag: other.Tag(tlv.Tag), Data: tlv.Value}
	return pdu.TLVs{tlv}
}

// drawOperation draws one of the operations, and makes the other implementation's PDU of it.
func drawOperation[P other.PDU](t *rapid.T, kinds map[pdu.ID]func() other.PDU) (pdu.ID, P) {
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(kinds))).Draw(t, "id")
	return id, kinds[id]().(P)
}

func drawBind(t *rapid.T) (pdu.PDU, other.PDU) {
	id, theirs := drawOperation[*other.BindRequest](t, map[pdu.ID]func() other.PDU{
		pdu.BindReceiver: other.NewBindReceiver, pdu.BindTransmitter: other.NewBindTransmitter,
		pdu.BindTransceiver: other.NewBindTransceiver,
	})
	ours := &pdu.Bind{
		SystemID: drawText(t, "system_id", 15), Password: drawText(t, "password", 8), SystemType: drawText(t, "system_type", 12),
		InterfaceVersion: drawOctet(t, "version"),
		AddressRange:     pdu.Address{TON: drawOctet(t, "ton"), NPI: drawOctet(t, "npi"), Addr: drawText(t, "range", 40)},
	}
	theirs.SystemID, theirs.Password, theirs.SystemType = ours.SystemID, ours.Password, ours.SystemType
	theirs.InterfaceVersion = ours.InterfaceVersion
	theirs.AddressRange = other.NewAddressRangeWithTonNpiAddr(ours.AddressRange.TON, ours.AddressRange.NPI, ours.AddressRange.Addr)
	return pdu.PDU{ID: id, Body: ours}, theirs
}

func drawBindResp(t *rapid.T) (pdu.PDU, other.PDU) {
	id, theirs := drawOperation[*other.BindResp](t, map[pdu.ID]func() other.PDU{
		pdu.BindReceiverResp: other.NewBindReceiverResp, pdu.BindTransmitterResp: other.NewBindTransmitterResp,
		pdu.BindTransceiverResp: other.NewBindTransceiverResp,
	})
	ours := &pdu.BindResp{SystemID: drawText(t, "system_id", 15), TLVs: drawTLVs(t, theirs.OptionalParameters)}
	theirs.SystemID = ours.SystemID
	return pdu.PDU{ID: id, Body: ours}, theirs
}

func drawMessage(t *rapid.T) (pdu.PDU, other.PDU) {
	coding := rapid.SampledFrom([]data.Encoding{data.GSM7BIT, data.ASCII, data.LATIN1, data.BINARY8BIT2, data.UCS2}).Draw(t, "coding")
	ours := &pdu.Message{
		ServiceType: drawText(t, "service_type", 5),
		ESMClass:    drawOctet(t, "esm_class") &^ pdu.ESMHeader, ProtocolID: drawOctet(t, "protocol_id"), PriorityFlag: drawOctet(t, "priority"),
		ScheduleDeliveryTime: drawText(t, "schedule", 16), ValidityPeriod: drawText(t, "validity", 16),
		RegisteredDelivery: drawOctet(t, "registered"), ReplaceIfPresent: drawOctet(t, "replace"),
		DataCoding: coding.DataCoding(), DefaultMessageID: drawOctet(t, "default"),
		ShortMessage: drawOctets(t, "short_message", 0, 254),
	}
	var source, destination other.Address
	ours.Source, source = drawAddress(t, "source")
	ours.Destination, destination = drawAddress(t, "destination")
	text, err := other.NewBinaryShortMessageWithEncoding(ours.ShortMessage, coding)
	require.NoError(t, err)
	text.SmDefaultMsgID = ours.DefaultMessageID

	if rapid.Bool().Draw(t, "deliver_sm") {
		theirs := other.NewDeliverSM().(*other.DeliverSM)
		theirs.ServiceType, theirs.SourceAddr, theirs.DestAddr, theirs.Message = ours.ServiceType, source, destination, text
		theirs.EsmClass, theirs.ProtocolID, theirs.PriorityFlag = ours.ESMClass, ours.ProtocolID, ours.PriorityFlag
		theirs.ScheduleDeliveryTime, theirs.ValidityPeriod = ours.ScheduleDeliveryTime, ours.ValidityPeriod
		theirs.RegisteredDelivery, theirs.ReplaceIfPresentFlag = ours.RegisteredDelivery, ours.ReplaceIfPresent
		ours.TLVs = drawTLVs(t, theirs.OptionalParameters)
		return pdu.PDU{ID: pdu.DeliverSM, Body: ours}, theirs
	}
	theirs := other.NewSubmitSM().(*other.SubmitSM)
	theirs.ServiceType, theirs.SourceAddr, theirs.DestAddr, theirs.Message = ours.ServiceType, source, destination, text
	theirs.EsmClass, theirs.ProtocolID, theirs.PriorityFlag = ours.ESMClass, ours.ProtocolID, ours.PriorityFlag
	theirs.ScheduleDeliveryTime, theirs.ValidityPeriod = ours.ScheduleDeliveryTime, ours.ValidityPeriod
	theirs.RegisteredDelivery, theirs.ReplaceIfPresentFlag = ours.RegisteredDelivery, ours.ReplaceIfPresent
	ours.TLVs = drawTLVs(t, theirs.OptionalParameters)
	return pdu.PDU{ID: pdu.SubmitSM, Body: ours}, theirs
}

func drawData(t *rapid.T) (pdu.PDU, other.PDU) {
	theirs := other.NewDataSM().(*other.DataSM)
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

func drawMessageResp(t *rapid.T) (pdu.PDU, other.PDU) {
	ours := &pdu.MessageResp{MessageID: drawText(t, "message_id", 64)}
	switch rapid.IntRange(0, 2).Draw(t, "operation") {
	case 0:
		theirs := other.NewSubmitSMResp().(*other.SubmitSMResp)
		theirs.MessageID = ours.MessageID
		ours.TLVs = drawTLVs(t, theirs.OptionalParameters)
		return pdu.PDU{ID: pdu.SubmitSMResp, Status: drawStatus(t, &theirs.Header), Body: ours}, theirs
	case 1:
		theirs := other.NewDeliverSMResp().(*other.DeliverSMResp)
		theirs.MessageID = ours.MessageID
		ours.TLVs = drawTLVs(t, theirs.OptionalParameters)
		return pdu.PDU{ID: pdu.DeliverSMResp, Status: drawStatus(t, &theirs.Header), Body: ours}, theirs
	default:
		theirs := other.NewDataSMResp().(*other.DataSMResp)
		theirs.MessageID = ours.MessageID
		ours.TLVs = drawTLVs(t, theirs.OptionalParameters)
		return pdu.PDU{ID: pdu.DataSMResp, Status: drawStatus(t, &theirs.Header), Body: ours}, theirs
	}
}

func drawBodiless(t *rapid.T) (pdu.PDU, other.PDU) {
	id, theirs := drawOperation[other.PDU](t, map[pdu.ID]func() other.PDU{
		pdu.EnquireLink: other.NewEnquireLink, pdu.EnquireLinkResp: other.NewEnquireLinkResp,
		pdu.Unbind: other.NewUnbind, pdu.UnbindResp: other.NewUnbindResp, pdu.GenericNack: other.NewGenericNack,
	})
	return pdu.PDU{ID: id}, theirs
}
