package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/secret"
)

// keyOf returns the key of one repeated byte, so that a leak is easy to find.
func keyOf(b byte) secret.Text {
	return secret.New(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, seal.SecretSize)))
}

func key(id uint32) seal.Key { return seal.Key{ID: id, Secret: keyOf('A' + byte(id))} }

var lookupSecret = keyOf('l')

func newRing(t require.TestingT, keys ...seal.Key) *seal.Ring {
	r, err := seal.NewRing(seal.Config{Keys: keys, Lookups: []secret.Text{lookupSecret}})
	require.NoError(t, err)
	return r
}

func TestOpen_NeedsTheSameAssociatedData(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := newRing(t, key(1))
		plaintext := rapid.SliceOf(rapid.Byte()).Draw(t, "plaintext")
		associatedData := rapid.SliceOf(rapid.Byte()).Draw(t, "associated data")
		other := rapid.SliceOf(rapid.Byte()).Draw(t, "other")
		sealed, err := r.Seal(plaintext, associatedData)
		require.NoError(t, err)

		got, err := r.Open(sealed, associatedData)
		require.NoError(t, err)
		require.True(t, bytes.Equal(plaintext, got))
		if !bytes.Equal(associatedData, other) {
			_, err = r.Open(sealed, other)
			require.ErrorIs(t, err, seal.ErrOpen)
		}

		i := rapid.IntRange(0, len(sealed)-1).Draw(t, "changed")
		sealed[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		_, err = r.Open(sealed, associatedData)
		require.Error(t, err, "byte %d was changed", i)
	})
}

func TestSeal_IsRandomizedAndHidesPlaintext(t *testing.T) {
	t.Parallel()
	r := newRing(t, key(1))
	plaintext := []byte("+886912345678 your code is 123456")
	one, err := r.Seal(plaintext, nil)
	require.NoError(t, err)
	two, err := r.Seal(plaintext, nil)
	require.NoError(t, err)
	require.NotEqual(t, one, two)
	require.NotContains(t, string(one), "912")
}

func TestRing_FirstKeySealsAllOpen(t *testing.T) {
	t.Parallel()
	before := newRing(t, key(1))
	old, err := before.Seal([]byte("old"), nil)
	require.NoError(t, err)

	added := newRing(t, key(1), key(2)) // the new key opens and does not seal yet
	between, err := added.Seal([]byte("between"), nil)
	require.NoError(t, err)
	_, err = before.Open(between, nil)
	require.NoError(t, err, "a process without the new key opens what a process with it seals")

	moved := newRing(t, key(2), key(1))
	current, err := moved.Seal([]byte("new"), nil)
	require.NoError(t, err)
	for want, sealed := range map[string][]byte{"old": old, "between": between, "new": current} {
		for _, r := range []*seal.Ring{added, moved} {
			got, err := r.Open(sealed, nil)
			require.NoError(t, err)
			require.Equal(t, want, string(got))
		}
	}

	withdrawn := newRing(t, key(2))
	_, err = withdrawn.Open(old, nil)
	require.ErrorIs(t, err, seal.ErrKey)
	require.EqualError(t, err, "seal: no such key in the ring: 1")
	_, err = newRing(t, seal.Key{ID: 1, Secret: keyOf('x')}).Open(old, nil)
	require.ErrorIs(t, err, seal.ErrOpen, "the ID was given to another key")
}

func TestLookup_HashesWithEverySecret(t *testing.T) {
	t.Parallel()
	with := func(secrets ...secret.Text) func(value string) [][]byte {
		r, err := seal.NewRing(seal.Config{Keys: []seal.Key{key(1)}, Lookups: secrets})
		require.NoError(t, err)
		return func(value string) [][]byte {
			hashes, err := r.Lookup([]byte(value))
			require.NoError(t, err)
			return hashes
		}
	}
	one, both := with(lookupSecret), with(keyOf('m'), lookupSecret)
	stored := one("+886912345678")
	require.Len(t, stored, 1)
	require.Len(t, stored[0], 16)
	require.Equal(t, stored, one("+886912345678"), "the hash is deterministic")
	require.NotEqual(t, stored, one("+886912345679"))
	require.Equal(t, stored[0], both("+886912345678")[1])
	require.NotEqual(t, stored[0], both("+886912345678")[0])
}

func TestRing_IsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	r := newRing(t, key(1))
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			for n := range 100 {
				associatedData := fmt.Append(nil, i, n)
				sealed, err := r.Seal(associatedData, associatedData)
				if err == nil {
					_, err = r.Open(sealed, associatedData)
				}
				if err == nil {
					_, err = r.Lookup(associatedData)
				}
				if err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

func TestNewRing_ReportsAllErrors(t *testing.T) {
	t.Parallel()
	_, err := seal.NewRing(seal.Config{})
	require.EqualError(t, err, "seal: Config.Keys is required\nseal: Config.Lookups is required")
	_, err = seal.NewRing(seal.Config{
		Keys:    []seal.Key{key(1), {ID: 1, Secret: keyOf('q')}, {ID: 3}},
		Lookups: []secret.Text{keyOf('q'), {}},
	})
	require.EqualError(t, err, strings.Join([]string{
		"seal: Config.Keys[1].ID 1 is there twice",
		"seal: Config.Keys[2].Secret is required",
		"seal: Config.Lookups[0] is the same as Config.Keys[1].Secret",
		"seal: Config.Lookups[1] is required",
	}, "\n"))
}

func TestNewRing_WantsKeysOf32BytesInBase64(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"QUFB":                          "has 3 bytes, want 32",
		"hunter2!":                      "is no base64",
		strings.Repeat("A", 43) + "=":   "is all zeros",
		strings.Repeat("A", 42) + "A\n": "is no base64",
	} {
		_, err := seal.NewRing(seal.Config{Keys: []seal.Key{key(1)}, Lookups: secret.NewAll(text)})
		require.EqualError(t, err, "seal: Config.Lookups[0] "+want)
	}
}

func TestSecret_IsNeverPrinted(t *testing.T) {
	t.Parallel()
	k := key(1)
	r := newRing(t, k)
	var out bytes.Buffer
	for _, v := range []any{k, &k, k.Secret, &k.Secret, seal.Config{Keys: []seal.Key{k}, Lookups: []secret.Text{lookupSecret}}, r, *r} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		text, err := json.Marshal(v)
		require.NoError(t, err)
		out.Write(text)
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(h).Info("a value", "v", v)
		}
	}
	text := out.String()
	for _, shown := range []string{"AAAA", "BBBB", "llll", "66 66", "66, 66", "42424242", "108 108", "6c6c6c", "6C6C6C", "0x42, 0x42"} {
		require.NotContains(t, text, shown)
	}
}

// firstRelease holds bytes that the first release sealed and hashed with key 1.
var firstRelease = struct{ sealed, hash string }{
	"0100000001b8b0c18a4a22574a9709539b88bb819ee7eafbbe5a7e0fe41fbd5c063d1cc9646bd34c9900",
	"87905f017350d1c1df962124e842572a",
}

func decodeHex(t require.TestingT, text string) []byte {
	b, err := hex.DecodeString(text)
	require.NoError(t, err)
	return b
}

func TestRing_ReadsFirstRelease(t *testing.T) {
	t.Parallel()
	r := newRing(t, key(2), key(1))
	got, err := r.Open(decodeHex(t, firstRelease.sealed), []byte("about"))
	require.NoError(t, err)
	require.Equal(t, "plaintext", string(got))
	hashes, err := r.Lookup([]byte("+886912345678"))
	require.NoError(t, err)
	require.Equal(t, decodeHex(t, firstRelease.hash), hashes[0])
}

func FuzzOpen(f *testing.F) {
	r := newRing(f, key(1), key(2))
	sealed := decodeHex(f, firstRelease.sealed)
	f.Add(sealed, []byte("about"))
	f.Add(sealed[:5], []byte("about"))
	f.Add([]byte{1, 0, 0, 0, 9}, []byte{})
	f.Fuzz(func(t *testing.T, b, associatedData []byte) {
		got, err := r.Open(b, associatedData)
		if bytes.Equal(b, sealed) && string(associatedData) == "about" {
			require.NoError(t, err)
			require.Equal(t, "plaintext", string(got))
			return
		}
		require.Error(t, err, "these bytes were never sealed")
	})
}

func BenchmarkSealAndOpen(b *testing.B) {
	r := newRing(b, key(1))
	plaintext, associatedData := make([]byte, 120), make([]byte, 17)
	b.ReportAllocs()
	for b.Loop() {
		sealed, err := r.Seal(plaintext, associatedData)
		if err == nil {
			_, err = r.Open(sealed, associatedData)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	r := newRing(b, key(1))
	value := []byte("+886912345678")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Lookup(value); err != nil {
			b.Fatal(err)
		}
	}
}
