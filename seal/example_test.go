package seal_test

import (
	"fmt"

	"github.com/smsplus/smsplus-go/seal"
)

func Example() {
	// An application gets its secrets from a secret manager.
	current, err := seal.ParseSecret("hWkVCQ2SmcyJM5DCTGhhXl7iC8RHIbJ6AlCz1dRKbyI=")
	if err != nil {
		fmt.Println(err)
		return
	}
	lookup, err := seal.ParseSecret("3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	if err != nil {
		fmt.Println(err)
		return
	}
	ring, err := seal.NewRing(seal.Config{
		Keys:    []seal.Key{{ID: 1, Secret: current}},
		Lookups: []seal.Secret{lookup},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	sealed, err := ring.Seal([]byte("+886912345678"), []byte("message 1"))
	if err != nil {
		fmt.Println(err)
		return
	}
	number, err := ring.Open(sealed, []byte("message 1"))
	fmt.Println(string(number), err)
	_, err = ring.Open(sealed, []byte("message 2"))
	fmt.Println(err)
	fmt.Println(ring)
	// Output:
	// +886912345678 <nil>
	// seal: this cannot be opened
	// seal.Ring(hidden)
}
