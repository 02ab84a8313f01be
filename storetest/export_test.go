package storetest

// RandomCallsOf exports testRandomCallsOf to the external test package, which imports
// the stores.
var RandomCallsOf = testRandomCallsOf
