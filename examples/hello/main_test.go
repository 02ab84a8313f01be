package main

func Example() {
	main()
	// Output:
	// line_push  no_contact  undeliverable
	// sms                    delivered
	// +886******000 delivered
}
