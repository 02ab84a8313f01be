package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/seal"
)

func keyText(b byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, seal.SecretSize))
}

func TestKeys_AreRequiredForSealedStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "messages.db")
	withoutKeys := sqliteShell(path)
	withoutKeys.mustRun(t, "migrate")
	keys := "2:" + keyText('b') + "\n1:" + keyText('a') + ", lookup:" + keyText('l')
	withKeys := withoutKeys.withEnv("SMSPLUS_KEYS", keys)
	withKeys.insert(t, sampleMessages())

	file := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(file, []byte(keys+"\n"), 0o600))
	for _, args := range [][]string{
		{"records", "-from", "2026-11-01"},
		{"records", "-from", "2026-11-01", "-phone", "+886912345678"},
		{"export", "-from", "2026-11-01", "-phone", "+886912345678"},
		{"show", messageID(1).String()},
		{"show", "-key", "login-1"},
	} {
		code, stdout, stderr := withoutKeys.run(t, args...)
		require.Equal(t, exitFailed, code, args)
		require.Empty(t, stdout)
		require.Equal(t, "smsplus: the store is sealed, and its keys are in neither -keys nor SMSPLUS_KEYS\n", stderr)
		text := withKeys.mustRun(t, args...)
		require.Contains(t, text, "******678")
		require.Equal(t, text, withoutKeys.mustRun(t, append([]string{"-keys", file}, args...)...))
	}
	require.Equal(t, withKeys.mustRun(t, "stats", "-from", "2026-11-01"), withoutKeys.mustRun(t, "stats", "-from", "2026-11-01"), "counts are readable without keys")

	code, _, stderr := withoutKeys.withEnv("SMSPLUS_KEYS", "1:"+keyText('a')+",lookup:"+keyText('l')).run(t, "show", messageID(1).String())
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "seal: no such key in the ring: 2")
	code, _, stderr = withoutKeys.run(t, "-keys", file+"s", "stats")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "no such file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	code, _, stderr = withKeys.run(t, "-keys", file, "stats")
	require.Equal(t, exitUsage, code, "an empty file of keys is an error")
	require.Contains(t, stderr, "smsplus: -keys: seal: Config.Keys is required\n")
}

func TestKeys_AreNotRepeatedByErrors(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	key := keyText('b')
	for name, args := range map[string][]string{
		"in the file's place":     {"-keys", "2:" + key, "stats"},
		"as the file's folder":    {"-keys", "/" + key + "/keys", "stats"},
		"as the store":            {"-store", "lookup:" + key, "stats"},
		"as a file of SQLite":     {"-store", "sqlite://" + key, "stats"},
		"as a command":            {"2:" + key},
		"as an operand":           {"show", "2:" + key},
		"as a flag":               {"-2:" + key, "stats"},
		"with another flag":       {"stats", "-from", key},
		"as the value of a bool":  {"stats", "-json=" + key},
		"as a cursor":             {"records", "-after", key},
		"as the name of a format": {"export", "-format", key},
	} {
		code, stdout, stderr := s.run(t, args...)
		require.NotEqual(t, exitDone, code, name)
		require.NotContains(t, stdout+stderr, key[:8], name)
	}
	for name, keys := range map[string]string{
		"one that is too short": "2:" + key[:20] + ",lookup:" + keyText('l'),
		"no base64":             "2:" + key + "!,lookup:" + keyText('l'),
		"without an ID":         key,
		"used twice":            "2:" + key + ",lookup:" + key,
		"in a URL":              "https://" + key,
	} {
		code, stdout, stderr := s.withEnv("SMSPLUS_KEYS", keys).run(t, "stats")
		require.Equal(t, exitUsage, code, name)
		require.NotContains(t, stdout+stderr, key[:8], name)
	}
}

func TestUnsealed_ReadsAndFindsRecordsFromBeforeTheSeal(t *testing.T) {
	t.Parallel()
	before, _ := filledShell(t)
	s := before.withEnv("SMSPLUS_KEYS", "1:"+keyText('a')+",lookup:"+keyText('l'))
	for _, args := range [][]string{
		{"records", "-from", "2026-11-01"},
		{"export", "-from", "2026-11-01"},
		{"show", messageID(1).String()},
	} {
		code, _, stderr := s.run(t, args...)
		require.Equal(t, exitFailed, code, args)
		require.Contains(t, stderr, messageID(1).String(), args)
		require.Contains(t, stderr, "the record is not sealed, and -unsealed is not given", args)
		require.Equal(t, before.mustRun(t, args...), s.mustRun(t, append([]string{"-unsealed"}, args...)...))
	}
	require.NotContains(t, s.mustRun(t, "records", "-from", "2026-11-01", "-phone", "+886912345678"), messageID(1).String())
	require.Contains(t, s.mustRun(t, "records", "-unsealed", "-from", "2026-11-01", "-phone", "+886912345678"), messageID(1).String())

	code, _, stderr := before.run(t, "-unsealed", "stats")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "-unsealed is for a sealed store")
}

func TestErase_RequiresKeysOfSealedStore(t *testing.T) {
	t.Parallel()
	withoutKeys := sqliteShell(filepath.Join(t.TempDir(), "messages.db"))
	withoutKeys.mustRun(t, "migrate")
	withKeys := withoutKeys.withEnv("SMSPLUS_KEYS", "1:"+keyText('a')+",lookup:"+keyText('l'))
	withKeys.insert(t, sampleMessages())
	for _, args := range [][]string{
		{"erase", "-phone", "+447700900123", "-yes"},
		{"erase", "-id", "line_push=U4af4980629", "-yes"},
		{"records", "-from", "2026-11-01", "-recipient", "U4af4980629"},
	} {
		code, stdout, stderr := withoutKeys.run(t, args...)
		require.Equal(t, exitFailed, code, args)
		require.Empty(t, stdout, "it does not say that nothing was there")
		require.Contains(t, stderr, "the store is sealed", args)
	}
	require.Equal(t, "1 messages were erased.\n", withKeys.mustRun(t, "erase", "-phone", "+447700900123", "-yes"))
}

func TestParseKeys_ReportsEveryInvalidEntry(t *testing.T) {
	t.Parallel()
	_, err := parseKeys(keyText('a') + " 2:" + keyText('b') + " 3: 4294967296:" + keyText('c') + "\r\n\tlookups:" + keyText('l') + ",5=" + keyText('e'))
	require.EqualError(t, err, `entry 1: it is neither ID:SECRET nor lookup:SECRET
entry 3: its secret is empty
entry 4: it is neither ID:SECRET nor lookup:SECRET
entry 5: it is neither ID:SECRET nor lookup:SECRET
entry 6: it is neither ID:SECRET nor lookup:SECRET`)
}

func FuzzKeys(f *testing.F) {
	f.Add(byte('a'), byte('l'), uint32(1), ",")
	f.Add(byte('a'), byte('a'), uint32(0), " ")
	f.Add(byte('a'), byte('b'), uint32(1<<32-1), "\n\r\n,")
	f.Add(byte(0), byte('b'), uint32(7), ":")
	f.Fuzz(func(t *testing.T, key, lookup byte, id uint32, between string) {
		text := fmt.Sprintf("%d:%s%slookup:%s", id, keyText(key), between, keyText(lookup))
		ring, err := parseKeys(text)
		if err != nil {
			for _, s := range []string{keyText(key), keyText(lookup)} {
				require.NotContains(t, err.Error(), strings.TrimRight(s, "=")[:20])
			}
			if strings.Trim(between, ", \t\r\n") == "" && between != "" {
				require.True(t, key == lookup || key == 0 || lookup == 0, "%v", err)
			}
			return
		}
		sealed, err := ring.Seal([]byte("text"), nil)
		require.NoError(t, err)
		require.Equal(t, []byte{byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}, sealed[1:5], "the sealed bytes name the key's ID")
	})
}
