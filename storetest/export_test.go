package storetest

// AnySequenceOf is for a test of several stores, which may not be imported here.
var AnySequenceOf = anySequenceOf
