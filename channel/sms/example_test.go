package sms_test

import (
	"fmt"

	"github.com/smsplus/smsplus-go/channel/sms"
)

// One character outside the alphabet changes the encoding of the whole text.
func Example() {
	for _, text := range []string{
		"Your order has shipped and will arrive on Friday between 9 and 12 o'clock. Track it at example.com/t/4711",
		"Your order has shipped and will arrive on Friday between 9 and 12 o’clock. Track it at example.com/t/4711",
		"您的包裹將於週五送達",
	} {
		fmt.Printf("%+v\n", sms.Count(text))
	}
	// Output:
	// {Encoding:GSM7 Units:105 Segments:1 Left:55}
	// {Encoding:UCS2 Units:105 Segments:2 Left:29}
	// {Encoding:UCS2 Units:10 Segments:1 Left:60}
}

func ExampleSplit() {
	encoding, segments := sms.Split("Total: 100 €", 6)
	fmt.Printf("%v %x\n", encoding, segments)
	// Output:
	// GSM7 [546f74616c3a20313030201b65]
}
