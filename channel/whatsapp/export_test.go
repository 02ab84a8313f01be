package whatsapp

// MessageKey is messageKey, for tests that play Meta.
var MessageKey = messageKey
