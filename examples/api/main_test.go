package main

import (
	"context"
	"log"
	"net"
	"os"
)

func Example() {
	listener, err := net.Listen("tcp", "localhost:0")
	if err == nil {
		err = demonstrate(context.Background(), listener, os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// +886******000 delivered
}
