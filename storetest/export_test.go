package storetest

// RandomCallsOf is for a test of several stores, which may not be imported here.
var RandomCallsOf = testRandomCallsOf
