// Package sms says how a text travels as SMS: in which encoding, and in how many
// segments, each of which a carrier counts and bills as a message.
//
//	size := sms.Count("您的驗證碼是 4711，五分鐘內有效")
//	fmt.Println(size.Encoding, size.Segments) // UCS2 1
//
// A text goes as GSM 7-bit if each of its characters is in the GSM default alphabet
// or in the extension table beside it, and as UCS-2 otherwise: one character outside,
// such as a backtick, a tab or an emoji, leaves room for 70 characters where there was
// room for 160. National language tables are not used, since few carriers take them.
//
//	              one segment   each of several, with a reference of
//	                            8 bits       16 bits
//	GSM 7-bit     160           153          152 septets
//	UCS-2          70            67           66 UTF-16 code units
//
// A character of the extension table takes two septets, one outside the Basic
// Multilingual Plane two code units. Neither is ever split between segments, so
// that a segment may end one unit early.
//
// An empty text is one segment of nothing. A byte that is not UTF-8 counts, and is
// sent, as U+FFFD; NUL is in no alphabet but UCS-2, and is sent as it is.
//
// All functions are safe for concurrent use.
package sms
