package pdu

import "fmt"

// Status is a command_status: ROK, or the reason why a request was refused. Vendors have
// codes of their own from 0x400 to 0x4FF, and some give the codes of the table meanings of
// their own.
type Status uint32

// The codes of section 5.1.3 by the specification's names, without their prefix
// ESME_ and their underscores. RPROVNOTALLWD is from version 5.0.
const (
	ROK              Status = 0x00
	RINVMSGLEN       Status = 0x01
	RINVCMDLEN       Status = 0x02
	RINVCMDID        Status = 0x03
	RINVBNDSTS       Status = 0x04
	RALYBND          Status = 0x05
	RINVPRTFLG       Status = 0x06
	RINVREGDLVFLG    Status = 0x07
	RSYSERR          Status = 0x08
	RINVSRCADR       Status = 0x0A
	RINVDSTADR       Status = 0x0B
	RINVMSGID        Status = 0x0C
	RBINDFAIL        Status = 0x0D
	RINVPASWD        Status = 0x0E
	RINVSYSID        Status = 0x0F
	RCANCELFAIL      Status = 0x11
	RREPLACEFAIL     Status = 0x13
	RMSGQFUL         Status = 0x14
	RINVSERTYP       Status = 0x15
	RINVNUMDESTS     Status = 0x33
	RINVDLNAME       Status = 0x34
	RINVDESTFLAG     Status = 0x40
	RINVSUBREP       Status = 0x42
	RINVESMCLASS     Status = 0x43
	RCNTSUBDL        Status = 0x44
	RSUBMITFAIL      Status = 0x45
	RINVSRCTON       Status = 0x48
	RINVSRCNPI       Status = 0x49
	RINVDSTTON       Status = 0x50
	RINVDSTNPI       Status = 0x51
	RINVSYSTYP       Status = 0x53
	RINVREPFLAG      Status = 0x54
	RINVNUMMSGS      Status = 0x55
	RTHROTTLED       Status = 0x58
	RPROVNOTALLWD    Status = 0x59
	RINVSCHED        Status = 0x61
	RINVEXPIRY       Status = 0x62
	RINVDFTMSGID     Status = 0x63
	RXTAPPN          Status = 0x64
	RXPAPPN          Status = 0x65
	RXRAPPN          Status = 0x66
	RQUERYFAIL       Status = 0x67
	RINVOPTPARSTREAM Status = 0xC0
	ROPTPARNOTALLWD  Status = 0xC1
	RINVPARLEN       Status = 0xC2
	RMISSINGOPTPARAM Status = 0xC3
	RINVOPTPARAMVAL  Status = 0xC4
	RDELIVERYFAILURE Status = 0xFE
	RUNKNOWNERR      Status = 0xFF
)

var statusNames = map[Status]string{
	ROK: "ROK", RINVMSGLEN: "RINVMSGLEN", RINVCMDLEN: "RINVCMDLEN", RINVCMDID: "RINVCMDID",
	RINVBNDSTS: "RINVBNDSTS", RALYBND: "RALYBND", RINVPRTFLG: "RINVPRTFLG", RINVREGDLVFLG: "RINVREGDLVFLG",
	RSYSERR: "RSYSERR", RINVSRCADR: "RINVSRCADR", RINVDSTADR: "RINVDSTADR", RINVMSGID: "RINVMSGID",
	RBINDFAIL: "RBINDFAIL", RINVPASWD: "RINVPASWD", RINVSYSID: "RINVSYSID", RCANCELFAIL: "RCANCELFAIL",
	RREPLACEFAIL: "RREPLACEFAIL", RMSGQFUL: "RMSGQFUL", RINVSERTYP: "RINVSERTYP", RINVNUMDESTS: "RINVNUMDESTS",
	RINVDLNAME: "RINVDLNAME", RINVDESTFLAG: "RINVDESTFLAG", RINVSUBREP: "RINVSUBREP", RINVESMCLASS: "RINVESMCLASS",
	RCNTSUBDL: "RCNTSUBDL", RSUBMITFAIL: "RSUBMITFAIL", RINVSRCTON: "RINVSRCTON", RINVSRCNPI: "RINVSRCNPI",
	RINVDSTTON: "RINVDSTTON", RINVDSTNPI: "RINVDSTNPI", RINVSYSTYP: "RINVSYSTYP", RINVREPFLAG: "RINVREPFLAG",
	RINVNUMMSGS: "RINVNUMMSGS", RTHROTTLED: "RTHROTTLED", RPROVNOTALLWD: "RPROVNOTALLWD", RINVSCHED: "RINVSCHED",
	RINVEXPIRY: "RINVEXPIRY", RINVDFTMSGID: "RINVDFTMSGID", RXTAPPN: "RX_T_APPN", RXPAPPN: "RX_P_APPN",
	RXRAPPN: "RX_R_APPN", RQUERYFAIL: "RQUERYFAIL", RINVOPTPARSTREAM: "RINVOPTPARSTREAM",
	ROPTPARNOTALLWD: "ROPTPARNOTALLWD", RINVPARLEN: "RINVPARLEN", RMISSINGOPTPARAM: "RMISSINGOPTPARAM",
	RINVOPTPARAMVAL: "RINVOPTPARAMVAL", RDELIVERYFAILURE: "RDELIVERYFAILURE", RUNKNOWNERR: "RUNKNOWNERR",
}

// IsVendors reports whether the status is of a vendor's own (section 5.1.3).
func (s Status) IsVendors() bool { return 0x400 <= s && s <= 0x4FF }

// String returns the number and, for a code of the table, the specification's name: "0x0b
// RINVDSTADR".
func (s Status) String() string {
	number := fmt.Sprintf("0x%02x", uint32(s))
	if name, ok := statusNames[s]; ok {
		return number + " " + name
	}
	return number
}
