// Package sms encodes a text as SMS: it chooses the encoding, and cuts the text into
// segments. A carrier counts and bills each segment as a message.
//
//	size := sms.Count("您的驗證碼是 4711，五分鐘內有效")
//	fmt.Println(size.Encoding, size.Segments) // UCS2 1
//
// A text goes as GSM 7-bit if each of its characters is in the GSM default alphabet or in
// its extension table, and as UCS-2 otherwise. One other character, such as a backtick, a
// tab or an emoji, reduces the size of a single segment from 160 characters to 70. National
// language tables are not used, because few carriers take them.
//
//	              one segment   each of several, with a reference of
//	                            8 bits       16 bits
//	GSM 7-bit     160           153          152 septets
//	UCS-2          70            67           66 UTF-16 code units
//
// A character of the extension table takes two septets, and a character outside the Basic
// Multilingual Plane takes two code units. Neither is ever split between segments, so a
// segment may end one unit early.
//
// An empty text is one empty segment. A byte that is not UTF-8 counts, and is sent, as
// U+FFFD. NUL is only in the alphabet of UCS-2, and is sent unchanged.
//
// All functions are safe for concurrent use.
package sms
