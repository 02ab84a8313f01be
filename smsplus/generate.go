package smsplus

//go:generate go tool moq -rm -skip-ensure -out channel_moq_test.go -pkg smsplus_test ../channel Channel
