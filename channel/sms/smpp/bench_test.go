package smpp_test

import (
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel/sms/smpp"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/secret"
)

// BenchmarkSubmit sends over one bind on loopback, with as many pending messages as its
// window allows. The SMSC does as little as possible. Its allocations count, too, and there
// are none.
func BenchmarkSubmit(b *testing.B) {
	for _, window := range []int{1, 10, 100} {
		b.Run("window="+strconv.Itoa(window), func(b *testing.B) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(b, err)
			served := make(chan error, 1)
			go func() { served <- takeAll(listener) }()
			c, err := smpp.New(smpp.Config{Addr: listener.Addr().String(), SystemID: account, Password: secret.New(password), Source: "SMSPLUS", Window: window})
			require.NoError(b, err)
			e := envelope("Your code is 471108. It is valid for five minutes.")
			e.Expires = time.Now().Add(time.Hour)
			_, err = c.Send(b.Context(), e)
			require.NoError(b, err)

			b.ReportAllocs()
			b.SetParallelism(window) // times GOMAXPROCS
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				e := e
				e.AttemptID = uuid.New()
				for pb.Next() {
					if _, err := c.Send(b.Context(), e); err != nil {
						b.Error(err)
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
			require.NoError(b, c.Close())
			require.NoError(b, listener.Close())
			require.ErrorIs(b, <-served, io.EOF)
		})
	}
}

// takeAll serves one session, and accepts every message.
func takeAll(listener net.Listener) error {
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // the client has gone
	in, out := make([]byte, 64<<10), make([]byte, 0, 64<<10)
	for have := 0; ; {
		n, err := conn.Read(in[have:])
		if err != nil {
			return err
		}
		have += n
		out = out[:0]
		at := 0
		for have-at >= pdu.HeaderLength {
			q := in[at:have]
			size := int(binary.BigEndian.Uint32(q))
			if len(q) < size {
				break
			}
			out = binary.BigEndian.AppendUint32(out, pdu.HeaderLength+9)
			out = binary.BigEndian.AppendUint32(out, binary.BigEndian.Uint32(q[4:])|0x80000000)
			out = binary.BigEndian.AppendUint32(out, 0)
			out = append(out, q[12:16]...)
			for shift := 28; shift >= 0; shift -= 4 { // the sequence number is the ID
				out = append(out, "0123456789abcdef"[binary.BigEndian.Uint32(q[12:])>>shift&0xF])
			}
			out = append(out, 0)
			at += size
		}
		have = copy(in, in[at:have])
		if _, err := conn.Write(out); err != nil {
			return err
		}
	}
}
