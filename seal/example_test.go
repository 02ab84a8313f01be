package seal_test

import (
	"fmt"

	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/secret"
)

func Example() {
	// An application gets its secrets from a secret manager.
	current := secret.New("hWkVCQ2SmcyJM5DCTGhhXl7iC8RHIbJ6AlCz1dRKbyI=")
	lookup := secret.New("3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	ring, err := seal.NewRing(seal.Config{
		Keys:    []seal.Key{{ID: 1, Secret: current}},
		Lookups: []secret.Text{lookup},
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
