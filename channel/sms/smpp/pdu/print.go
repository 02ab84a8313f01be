package pdu

import (
	"fmt"

	"github.com/smsplus/smsplus-go/internal/mask"
)

// Format writes the type of number, the numbering plan and the length, whatever the verb.
func (a Address) Format(f fmt.State, _ rune) { mask.Write(f, a.masked()) }

// MarshalText returns what Format writes, for logs.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.masked()), nil }

// GobEncode returns an error.
func (Address) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

func (a Address) masked() string {
	return fmt.Sprintf("pdu.Address(TON %d, NPI %d, %d characters)", a.TON, a.NPI, len(a.Addr))
}

// Format writes no part of the account, whatever the verb.
func (Bind) Format(f fmt.State, _ rune) { mask.Write(f, maskedBind) }

// MarshalText returns what Format writes, for logs.
func (Bind) MarshalText() ([]byte, error) { return []byte(maskedBind), nil }

// GobEncode returns an error.
func (Bind) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

const maskedBind = "pdu.Bind{…}"

// Format writes the addresses' forms and the length of the text, whatever the verb.
func (m Message) Format(f fmt.State, _ rune) { mask.Write(f, m.masked()) }

// MarshalText returns what Format writes, for logs.
func (m Message) MarshalText() ([]byte, error) { return []byte(m.masked()), nil }

// GobEncode returns an error.
func (Message) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

func (m Message) masked() string {
	return fmt.Sprintf("pdu.Message(%v to %v, esm_class 0x%02x, data_coding 0x%02x, %d octets, %d TLVs)",
		m.Source, m.Destination, m.ESMClass, m.DataCoding, len(m.ShortMessage), len(m.TLVs))
}

// Format writes the addresses' forms and the number of parameters, whatever the verb.
func (m Data) Format(f fmt.State, _ rune) { mask.Write(f, m.masked()) }

// MarshalText returns what Format writes, for logs.
func (m Data) MarshalText() ([]byte, error) { return []byte(m.masked()), nil }

// GobEncode returns an error.
func (Data) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

func (m Data) masked() string {
	return fmt.Sprintf("pdu.Data(%v to %v, esm_class 0x%02x, data_coding 0x%02x, %d TLVs)",
		m.Source, m.Destination, m.ESMClass, m.DataCoding, len(m.TLVs))
}

// Format writes the length, whatever the verb.
func (m Raw) Format(f fmt.State, _ rune) { mask.Write(f, m.masked()) }

// MarshalText returns what Format writes, for logs.
func (m Raw) MarshalText() ([]byte, error) { return []byte(m.masked()), nil }

// GobEncode returns an error.
func (Raw) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

func (m Raw) masked() string { return fmt.Sprintf("pdu.Raw(%d octets)", len(m)) }

// Format writes the tag and the length, whatever the verb.
func (t TLV) Format(f fmt.State, _ rune) { mask.Write(f, t.masked()) }

// MarshalText returns what Format writes, for logs.
func (t TLV) MarshalText() ([]byte, error) { return []byte(t.masked()), nil }

// GobEncode returns an error.
func (TLV) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

func (t TLV) masked() string {
	return fmt.Sprintf("pdu.TLV(0x%04x, %d octets)", uint16(t.Tag), len(t.Value))
}

// Format writes the number of parameters, whatever the verb.
func (ts TLVs) Format(f fmt.State, _ rune) { mask.Writef(f, "pdu.TLVs(%d)", len(ts)) }

// Format writes the number of parameters, whatever the verb.
func (m BindResp) Format(f fmt.State, _ rune) {
	mask.Writef(f, "pdu.BindResp(%q, %d TLVs)", m.SystemID, len(m.TLVs))
}

// Format writes the message's ID and the number of parameters, whatever the verb.
func (m MessageResp) Format(f fmt.State, _ rune) {
	mask.Writef(f, "pdu.MessageResp(%q, %d TLVs)", m.MessageID, len(m.TLVs))
}

// Format writes the message's ID, whatever the verb.
func (m Query) Format(f fmt.State, _ rune) { mask.Writef(f, "pdu.Query(%q)", m.MessageID) }

// Format writes the message's ID, whatever the verb.
func (m Cancel) Format(f fmt.State, _ rune) { mask.Writef(f, "pdu.Cancel(%q)", m.MessageID) }

// Format writes the message's ID and its state, whatever the verb.
func (m QueryResp) Format(f fmt.State, _ rune) {
	mask.Writef(f, "pdu.QueryResp(%q, %v, error %d)", m.MessageID, m.State, m.ErrorCode)
}
