module github.com/smsplus/smsplus-go/test/oracle

go 1.26.0

replace github.com/smsplus/smsplus-go => ../..

require (
	github.com/linxGnu/gosmpp v0.3.1
	github.com/smsplus/smsplus-go v0.0.0-00010101000000-000000000000
	github.com/stretchr/testify v1.12.1
	github.com/warthog618/sms v0.3.0
	pgregory.net/rapid v1.3.0
)

require (
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/text v0.43.0 // indirect
)
