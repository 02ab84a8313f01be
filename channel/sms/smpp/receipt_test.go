package smpp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/status"
)

// listenAsync listens in the background, and returns when a bind is up. The sink passes its
// receipts to sunk, and returns the errors that it gets from answer.
func listenAsync(ctx context.Context, c *smpp.Channel) (sunk <-chan []channel.Receipt, answer chan<- error, done <-chan error) {
	receipts, answers, ended := make(chan []channel.Receipt), make(chan error), make(chan error, 1)
	go func() {
		ended <- c.Listen(ctx, func(ctx context.Context, rs ...channel.Receipt) error {
			select {
			case receipts <- rs:
				select {
				case err := <-answers:
					return err
				case <-ctx.Done():
				}
			case <-ctx.Done():
			}
			return ctx.Err()
		})
	}()
	return receipts, answers, ended
}

func TestReceipt_IsAnsweredWhenStored(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		sunk, answers, _ := listenAsync(t.Context(), c)
		p := m.acceptBind()
		p.write(deliver(0xFFFFFFFE, "id:007 stat:DELIVRD err:000"))
		want := []channel.Receipt{{Channel: channel.SMS, ProviderID: "7", Status: status.Delivered}}
		require.Equal(t, want, <-sunk)
		p.write(pdu.PDU{ID: pdu.EnquireLink, Sequence: 1})
		p.expect(pdu.EnquireLinkResp) // the session continues meanwhile
		answers <- errors.New("the store is down")
		refused := pdu.PDU{ID: pdu.DeliverSMResp, Status: pdu.RXTAPPN, Sequence: 0xFFFFFFFE, Body: &pdu.MessageResp{}}
		require.Equal(t, refused, p.expect(pdu.DeliverSMResp))

		p.write(deliver(5, "id:007 stat:DELIVRD err:000"))
		require.Equal(t, want, <-sunk)
		answers <- nil
		require.Equal(t, pdu.PDU{ID: pdu.DeliverSMResp, Sequence: 5, Body: &pdu.MessageResp{}}, p.expect(pdu.DeliverSMResp))
	})
}

func TestReceipt_StoredInBatches(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		sunk, answers, _ := listenAsync(t.Context(), c)
		p := m.acceptBind()
		p.write(deliver(1, "id:1 stat:DELIVRD"))
		require.Len(t, <-sunk, 1)
		for i := range 150 {
			p.write(deliver(uint32(2+i), "id:1 stat:DELIVRD"))
		}
		synctest.Wait()
		for _, n := range []int{1, 100, 50} {
			answers <- nil
			for range n {
				require.Equal(t, pdu.ROK, p.expect(pdu.DeliverSMResp).Status)
			}
			if n > 50 {
				require.Len(t, <-sunk, 50)
			} else if n == 1 {
				require.Len(t, <-sunk, 100)
			}
		}
	})
}

func TestReceipt_RefusedWithoutListener(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		first := sendAsync(t.Context(), c, envelope("hello"))
		p := m.acceptBind()
		p.acceptSubmit(p.expect(pdu.SubmitSM), "1")
		requireAccepted(t, <-first, "1")

		p.write(deliver(1, "id:1 stat:DELIVRD"))
		require.Equal(t, pdu.RXTAPPN, p.expect(pdu.DeliverSMResp).Status)

		ctx, stop := context.WithCancel(t.Context())
		sunk, _, done := listenAsync(ctx, c)
		synctest.Wait()
		p.write(deliver(2, "id:1 stat:DELIVRD"))
		<-sunk
		stop() // while the sink runs
		require.ErrorIs(t, <-done, context.Canceled)
		require.Equal(t, pdu.RXTAPPN, p.expect(pdu.DeliverSMResp).Status)

		p.write(deliver(3, "id:1 stat:DELIVRD"))
		require.Equal(t, pdu.RXTAPPN, p.expect(pdu.DeliverSMResp).Status)
	})
}

func TestReceipt_RefusedWhenQueueIsFull(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		sunk, _, _ := listenAsync(t.Context(), c)
		p := m.acceptBind()
		p.write(deliver(1, "id:1 stat:DELIVRD"))
		<-sunk // the sink does not return
		for range 250 {
			p.write(deliver(2, "id:1 stat:DELIVRD"))
		}
		p.write(deliver(3, "id:1 stat:DELIVRD"))
		q := p.expect(pdu.DeliverSMResp)
		require.EqualValues(t, 3, q.Sequence)
		require.Equal(t, pdu.RXTAPPN, q.Status)
	})
}

func TestReceipt_GoesToLatestListener(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		first, firstAnswers, _ := listenAsync(t.Context(), c)
		p := m.acceptBind()
		ctx, stop := context.WithCancel(t.Context())
		second, secondAnswers, done := listenAsync(ctx, c)
		synctest.Wait()
		p.write(deliver(1, "id:1 stat:DELIVRD"))
		<-second
		secondAnswers <- nil
		p.expect(pdu.DeliverSMResp)
		stop()
		require.Error(t, <-done)
		p.write(deliver(2, "id:1 stat:DELIVRD"))
		<-first
		firstAnswers <- nil
		p.expect(pdu.DeliverSMResp)
	})
}

func TestReceipt_MayComeInDataSM(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		sunk, answers, _ := listenAsync(t.Context(), c)
		p := m.acceptBind()
		p.write(pdu.PDU{ID: pdu.DataSM, Sequence: 4, Body: &pdu.Data{ESMClass: pdu.ESMReceipt, TLVs: pdu.TLVs{
			{Tag: pdu.ReceiptedMessageID, Value: []byte("AB\x00")}, {Tag: pdu.MessageState, Value: []byte{2}},
		}}})
		require.Equal(t, []channel.Receipt{{Channel: channel.SMS, ProviderID: "ab", Status: status.Delivered}}, <-sunk)
		answers <- nil
		require.EqualValues(t, 4, p.expect(pdu.DataSMResp).Sequence)
	})
}

// receiveOne returns the receipt that the sink gets.
func receiveOne(t *testing.T, change func(*smpp.Config), text string, ts ...pdu.TLV) channel.Receipt {
	t.Helper()
	var got channel.Receipt
	synctest.Test(t, func(t *testing.T) {
		m := newSMSC(t)
		c := m.newChannel(change)
		defer closeIgnoringError(t, c)
		sunk, answers, _ := listenAsync(t.Context(), c)
		p := m.acceptBind()
		p.write(pdu.PDU{ID: pdu.DeliverSM, Sequence: 1, Body: &pdu.Message{ESMClass: pdu.ESMReceipt, ShortMessage: []byte(text), TLVs: ts}})
		got = (<-sunk)[0]
		answers <- nil
		p.expect(pdu.DeliverSMResp)
	})
	return got
}

func TestReceipt_StatesHaveVerdicts(t *testing.T) {
	t.Parallel()
	override := func(c *smpp.Config) {
		c.States = map[pdu.State]channel.Verdict{
			pdu.StateAccepted: {Status: status.Delivered},
			pdu.StateUnknown:  {Status: status.Undeliverable, Reason: status.CarrierError},
			pdu.StateNone:     {Status: status.Failed, Reason: status.SystemError},
		}
	}
	for text, tt := range map[string]struct{ want, overridden channel.Receipt }{
		"DELIVRD err:000": {want: channel.Receipt{Status: status.Delivered}},
		"EXPIRED err:001": {want: channel.Receipt{Status: status.Undeliverable, Reason: status.CarrierError, Detail: "EXPIRED err 001"}},
		"DELETED err:":    {want: channel.Receipt{Status: status.Undeliverable, Reason: status.CarrierError, Detail: "DELETED"}},
		"UNDELIV err:1B4": {want: channel.Receipt{Status: status.Undeliverable, Reason: status.CarrierError, Detail: "UNDELIV err 1B4"}},
		"UNDELIV err:" + digits: {
			want: channel.Receipt{Status: status.Undeliverable, Reason: status.CarrierError, Detail: "UNDELIV"},
		},
		"REJECTD err:\xff9": {want: channel.Receipt{Status: status.Undeliverable, Reason: status.ContentRejected, Detail: "REJECTD err 9"}},
		"NOCRED err:500":    {want: channel.Receipt{Status: status.Undeliverable, Reason: status.QuotaExceeded, Detail: "REJECTD err 500"}},
		"BARRED":            {want: channel.Receipt{Status: status.Undeliverable, Reason: status.Blocked, Detail: "REJECTD"}},
		"SKIPPED":           {want: channel.Receipt{Status: status.Undeliverable, Reason: status.CarrierError, Detail: "SKIPPED"}},
		"SCHEDLD":           {want: channel.Receipt{Status: status.Accepted}},
		"ENROUTE":           {want: channel.Receipt{Status: status.Accepted}},
		"ACCEPTD": {
			want:       channel.Receipt{Status: status.Accepted},
			overridden: channel.Receipt{Status: status.Delivered},
		},
		"UNKNOWN err:5": {
			want:       channel.Receipt{Status: status.Accepted},
			overridden: channel.Receipt{Status: status.Undeliverable, Reason: status.CarrierError, Detail: "UNKNOWN err 5"},
		},
		"TELEPORTED": {
			want:       channel.Receipt{},
			overridden: channel.Receipt{Status: status.Failed, Reason: status.SystemError, Detail: "none"},
		},
	} {
		tt.want.Channel, tt.want.ProviderID = channel.SMS, "1"
		require.Equal(t, tt.want, receiveOne(t, nil, "id:1 stat:"+text), text)
		if tt.overridden.Status != 0 {
			tt.overridden.Channel, tt.overridden.ProviderID = "bulk", "1"
			require.Equal(t, tt.overridden, receiveOne(t, func(c *smpp.Config) { override(c); c.Name = "bulk" }, "id:1 stat:"+text), text)
		}
	}
	arrived := receiveOne(t, nil, "id:1 stat:NOCRED", pdu.TLV{Tag: pdu.MessageState, Value: []byte{2}})
	require.Equal(t, status.Delivered, arrived.Status, "the parameter counts")
	network := receiveOne(t, nil, "", pdu.TLV{Tag: pdu.ReceiptedMessageID, Value: []byte("1")},
		pdu.TLV{Tag: pdu.MessageState, Value: []byte{5}}, pdu.TLV{Tag: pdu.NetworkErrorCode, Value: []byte{3, 0, 27}})
	require.Equal(t, "UNDELIV network 3/27", network.Detail)
}

func TestReceipt_DateNeedsLocation(t *testing.T) {
	t.Parallel()
	const text = "id:1 done date:9912312355 stat:"
	require.Zero(t, receiveOne(t, nil, text+"DELIVRD").At)
	with := func(c *smpp.Config) { c.Location = time.FixedZone("CST", 8*60*60) }
	want := time.Date(1999, 12, 31, 15, 55, 0, 0, time.UTC) // the bubble begins eight hours later
	require.WithinDuration(t, want, receiveOne(t, with, text+"DELIVRD").At, 0)
	require.WithinDuration(t, want, receiveOne(t, with, text+"UNDELIV").At, 0)
	require.Zero(t, receiveOne(t, with, text+"ENROUTE").At, "an outcome has a time, the way there has none")
	require.Zero(t, receiveOne(t, with, "id:1 done date:0000000000 stat:UNDELIV").At, "zeros are no date")
}

// Each case is an ID in an answer and the same ID in a receipt.
func TestIDs_AreComparedAsConfigured(t *testing.T) {
	t.Parallel()
	parameter := func(id string) []pdu.TLV { return []pdu.TLV{{Tag: pdu.ReceiptedMessageID, Value: []byte(id + "\x00")}} }
	raw, hexDec, hexHex := smpp.IDs{}, smpp.IDs{Submit: smpp.Hex, Receipt: smpp.Decimal}, smpp.IDs{Submit: smpp.Hex, Receipt: smpp.Hex}
	long := strings.Repeat("f", 60)
	n, _ := new(big.Int).SetString(long, 16)
	for _, tt := range []struct {
		name             string
		ids              smpp.IDs
		answered, report string
		parameters       []pdu.TLV
	}{
		{"as they are", raw, "A1B2C1", "id:a1b2c1 stat:DELIVRD", nil},
		{"padded", raw, "12345678", "id:0000000012345678 stat:DELIVRD", nil},
		{"padded answer", raw, "0000001001", "id:1001 stat:DELIVRD", nil},
		{"zeros", raw, "000", "id:0 stat:DELIVRD", nil},
		{"dashes", raw, "0181-AB12-9F", "id:181-ab12-9f stat:DELIVRD", nil},
		{"beyond 64 bits", raw, "5710887828836591719000", "id:5710887828836591719000 stat:DELIVRD", nil},
		{"hexadecimal, then decimal", hexDec, "33E95179", "id:870928761 stat:DELIVRD", nil},
		{"the same, padded", hexDec, "033e95179", "id:0870928761 stat:DELIVRD", nil},
		{"the same, beyond 64 bits", hexDec, long, "id:" + n.String() + " stat:DELIVRD", nil},
		{"decimal in the text, hexadecimal in the parameter", hexDec, "33E95179", "id:870928761 stat:DELIVRD", parameter("33e95179")},
		{"hexadecimal in the parameter alone", hexDec, "33E95179", "stat:DELIVRD", parameter("33E95179")},
		{"decimal in both", hexDec, "33E95179", "id:870928761 stat:DELIVRD", parameter("870928761")},
		{"decimal in both, padded in one", hexDec, "33E95179", "id:870928761 stat:DELIVRD", parameter("0870928761")},
		{"hyphens in one", raw, "A3BB189E-8BF9-3888-9912-ACE4E6543002", "id:a3bb189e8bf938889912ace4e6543002 stat:DELIVRD", nil},
		{"decimal, then hexadecimal", smpp.IDs{Submit: smpp.Decimal, Receipt: smpp.Hex}, "870928761", "id:33E95179 stat:DELIVRD", nil},
		{"mixed", hexDec, "33E95179", "id:33E95179 stat:DELIVRD", nil},
		{"a hexadecimal prefix", hexDec, "0x33E95179", "id:870928761 stat:DELIVRD", nil},
		{"hexadecimal in both", hexHex, "00FF", "id:ff stat:DELIVRD", nil},
		{"an ID that says what it is of, in capitals", raw, "SAR-2347039245475-1eedf843-2-1", "id:SAR-2347039245475-1EEDF843-2-1 stat:UNDELIV", nil},
		{"padded with spaces", raw, "12345678  ", "id:12345678 stat:DELIVRD", nil},
		{"padded with spaces in the parameter", raw, "12345678", "stat:DELIVRD", parameter(" 12345678 ")},
		{"no number", hexDec, "b-17", "id:B-17 stat:DELIVRD", nil},
		{"a sign", hexDec, "-1", "id:-1 stat:DELIVRD", nil},
		{"longer than any ID", hexDec, strings.Repeat("1", 2000), "stat:DELIVRD", parameter(strings.Repeat("1", 2000))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, m *scriptedSMSC) {
				c := m.newChannel(func(c *smpp.Config) { c.IDs = tt.ids })
				defer closeIgnoringError(t, c)
				sunk, answers, _ := listenAsync(t.Context(), c)
				p := m.acceptBind()
				first := sendAsync(t.Context(), c, envelope("hello"))
				p.acceptSubmit(p.expect(pdu.SubmitSM), tt.answered)
				sent := <-first
				require.NoError(t, sent.err)
				require.NotEmpty(t, sent.ProviderID)
				require.LessOrEqual(t, len(sent.ProviderID), 255)
				p.write(pdu.PDU{ID: pdu.DeliverSM, Sequence: 1, Body: &pdu.Message{
					ESMClass: pdu.ESMReceipt, ShortMessage: []byte(tt.report), TLVs: tt.parameters,
				}})
				require.Equal(t, sent.ProviderID, (<-sunk)[0].ProviderID)
				answers <- nil
				p.expect(pdu.DeliverSMResp)
			})
		})
	}
}

func TestSend_AcceptedWithoutID(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		answers := sendAsync(t.Context(), c, envelope("hello"))
		p := m.acceptBind()
		p.respond(p.expect(pdu.SubmitSM), pdu.ROK)
		requireAccepted(t, <-answers, "")
	})
}

// Numbers have any format and any size.
func TestIDFormat_ComparesByValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 1, 32).Draw(t, "number"))
		zeros := strings.Repeat("0", rapid.IntRange(0, 8).Draw(t, "zeros"))
		hex := zeros + fmt.Sprintf(rapid.SampledFrom([]string{"%x", "%X"}).Draw(t, "case"), n)
		require.Equal(t, n.String(), smpp.Hex.Normal(hex))
		require.Equal(t, n.String(), smpp.Decimal.Normal(zeros+n.String()))
		require.Equal(t, smpp.Raw.Normal(hex), smpp.Raw.Normal("0"+strings.ToUpper(hex)))
	})
}

func TestReceipt_WordsHaveConfiguredVerdicts(t *testing.T) {
	t.Parallel()
	blocked := channel.Verdict{Status: status.Undeliverable, Reason: status.Blocked}
	with := func(c *smpp.Config) {
		c.Words = map[string]channel.Verdict{"Teleported": {Status: status.Delivered}, "FAILED": blocked}
	}
	require.Equal(t, status.Delivered, receiveOne(t, with, "id:1 stat:teleported").Status)
	require.Equal(t, status.Blocked, receiveOne(t, with, "id:1 stat:FAILED").Reason)
	require.Equal(t, status.CarrierError, receiveOne(t, with, "id:1 stat:UNDELIV").Reason)
}

func TestReceipt_NamesRecipientBeyondDoubt(t *testing.T) {
	t.Parallel()
	taiwan := func(c *smpp.Config) { c.National = &smpp.National{CountryCode: "886", Prefix: "0"} }
	for name, tt := range map[string]struct {
		change              func(*smpp.Config)
		source, destination pdu.Address
		known               bool
	}{
		"international":                   {nil, pdu.Address{TON: 1, Addr: digits}, pdu.Address{}, true},
		"a plus":                          {nil, pdu.Address{Addr: "+" + digits}, pdu.Address{}, true},
		"two zeros":                       {nil, pdu.Address{Addr: "00" + digits}, pdu.Address{}, true},
		"of an unknown type":              {nil, pdu.Address{Addr: digits}, pdu.Address{}, false},
		"national":                        {taiwan, pdu.Address{TON: 2, Addr: "0912345678"}, pdu.Address{}, true},
		"national, of an unknown country": {nil, pdu.Address{TON: 2, Addr: "0912345678"}, pdu.Address{}, false},
		"behind our own address":          {func(c *smpp.Config) { c.Source = "ACME" }, pdu.Address{TON: 5, Addr: "ACME"}, pdu.Address{TON: 1, Addr: digits}, true},
		"a name":                          {nil, pdu.Address{TON: 5, Addr: "ACME"}, pdu.Address{}, false},
		"no number, although it says so":  {nil, pdu.Address{TON: 1, Addr: "12"}, pdu.Address{}, false},
		"nobody":                          {nil, pdu.Address{}, pdu.Address{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, m *scriptedSMSC) {
				c := m.newChannel(tt.change)
				defer closeIgnoringError(t, c)
				sunk, answers, _ := listenAsync(t.Context(), c)
				p := m.acceptBind()
				p.write(pdu.PDU{ID: pdu.DeliverSM, Sequence: 1, Body: &pdu.Message{
					ESMClass: pdu.ESMReceipt, Source: tt.source, Destination: tt.destination, ShortMessage: []byte("id:1 stat:DELIVRD"),
				}})
				got := (<-sunk)[0].To
				answers <- nil
				p.expect(pdu.DeliverSMResp)
				if tt.known {
					require.Equal(t, person.Phone, got)
				} else {
					require.Zero(t, got)
				}
			})
		})
	}
}

// The SMSC sets no esm_class.
func TestReceipt_UnmarkedCounts(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		sunk, answers, _ := listenAsync(t.Context(), c)
		p := m.acceptBind()
		p.write(pdu.PDU{ID: pdu.DeliverSM, Sequence: 1, Body: &pdu.Message{ShortMessage: []byte("id:1 stat:DELIVRD err:000")}})
		require.Equal(t, []channel.Receipt{{Channel: channel.SMS, ProviderID: "1", Status: status.Delivered}}, <-sunk)
		answers <- nil
		p.expect(pdu.DeliverSMResp)
		p.write(pdu.PDU{ID: pdu.DeliverSM, Sequence: 2, Body: &pdu.Message{ShortMessage: []byte("Where is my parcel?")}})
		require.Equal(t, pdu.ROK, p.expect(pdu.DeliverSMResp).Status)
		require.Zero(t, c.UnreadReceipts())
	})
}

// Each session logs the first delivery of a kind that cannot be read, and all are counted.
func TestReceipt_UnreadIsCountedAndWarnedOfOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		var out bytes.Buffer
		c := m.newChannel(func(c *smpp.Config) {
			c.MarkedReceiptsOnly, c.Logger = true, slog.New(slog.NewTextHandler(&out, nil))
		})
		defer closeIgnoringError(t, c)
		sunk, answers, _ := listenAsync(t.Context(), c)
		p := m.acceptBind()
		for i, unread := range []*pdu.Message{
			{ShortMessage: []byte("id:1 stat:DELIVRD err:000")}, // without esm_class
			{ESMClass: pdu.ESMReceipt, ShortMessage: []byte("your message has arrived")},
			{ESMClass: pdu.ESMReceipt},
		} {
			p.write(pdu.PDU{ID: pdu.DeliverSM, Sequence: uint32(i + 1), Body: unread})
			require.Equal(t, pdu.ROK, p.expect(pdu.DeliverSMResp).Status)
		}
		for range 2 {
			p.write(deliver(9, "id:1 stat:TELEPORTED"))
			require.Equal(t, status.Preparing, (<-sunk)[0].Status)
			answers <- nil
			require.Equal(t, pdu.ROK, p.expect(pdu.DeliverSMResp).Status)
		}
		require.EqualValues(t, 5, c.UnreadReceipts())
		require.Equal(t, 1, strings.Count(out.String(), "looks like a receipt"))
		require.Equal(t, 1, strings.Count(out.String(), "unknown state"))
		require.NotContains(t, out.String(), "arrived")
	})
}

// SMSCs send octets after the text that are no parameters, parameters that are cut off, and
// an sm_length beyond the end.
func TestReceipt_CountsInMalformedDelivery(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		sunk, answers, _ := listenAsync(t.Context(), c)
		p := m.acceptBind()
		text := "id:7 sub:001 dlvrd:001 stat:DELIVRD err:000"
		fields := "\x00\x01\x01" + digits + "\x00\x05\x00SMSPLUS\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00"
		whole := fields + string(rune(len(text))) + text
		for _, body := range []string{
			whole + "\x00",
			whole + "\x00\x1e",
			whole + "\x04\x27\x00\x09\x02",
			fields + "\x7f" + text,
		} {
			p.write(pdu.PDU{ID: pdu.DeliverSM, Sequence: 1, Body: pdu.Raw(body)})
			require.Equal(t, []channel.Receipt{{Channel: channel.SMS, ProviderID: "7", Status: status.Delivered, To: to(t, "+"+digits).Phone}}, <-sunk)
			answers <- nil
			require.Equal(t, pdu.ROK, p.expect(pdu.DeliverSMResp).Status)
		}
		require.Zero(t, c.UnreadReceipts())
	})
}
