module github.com/smsplus/smsplus-go/tools/mutants

go 1.26
