package archtest

// violation is an example that breaks one rule.
type violation struct {
	rule, name string
	// files are added to the sound module.
	files map[string]string
	// want is the only line that the rule returns.
	want string
}

const (
	imports = "// Package x is one.\npackage x\nimport _ "
	example = "package x\nfunc Example() {}"
)

// at returns the quoted import path of a folder of the module.
func at(dir string) string { return `"` + module + "/" + dir + `"` }

// layerViolations are examples of imports, names and comments of packages.
var layerViolations = []violation{
	{
		"every package is in a layer", "a new folder",
		map[string]string{"attic/x.go": "// Package x is one.\npackage x"},
		"attic: in no layer; add it to layers",
	},
	{
		"every package is in a layer", "a folder below a package whose pattern has no dots",
		map[string]string{"smsplus/x/x.go": "// Package x is one.\npackage x"},
		"smsplus/x: in no layer; add it to layers",
	},
	{
		"a package imports only layers below it", "the engine and a store",
		map[string]string{"smsplus/x.go": imports + at("memstore")},
		"smsplus/x.go:3: imports memstore, which is above it (stores)",
	},
	{
		"a package imports only layers below it", "an adapter and the engine",
		map[string]string{"channel/line/x.go": imports + at("smsplus"), "channel/line/x_test.go": example},
		"channel/line/x.go:3: imports smsplus, which is above it (engine: Dispatcher, Message, Template, Store)",
	},
	{
		"a package imports only layers below it", "two adapters",
		map[string]string{"channel/line/x.go": imports + at("channel/sms/twilio"), "channel/line/x_test.go": example},
		"channel/line/x.go:3: imports its sibling channel/sms/twilio",
	},
	{
		"a package imports only layers below it", "two stores",
		map[string]string{"pgstore/x.go": imports + at("sqlitestore"), "pgstore/x_test.go": example},
		"pgstore/x.go:3: imports its sibling sqlitestore",
	},
	{
		"a package imports only layers below it", "two packages of the vocabulary",
		map[string]string{"status/x.go": imports + at("phone")},
		"status/x.go:3: imports its sibling phone",
	},
	{
		"a package imports only layers below it", "a layer above in a folder of its own",
		map[string]string{"channel/x.go": imports + at("channel/simulated"), "channel/x_test.go": example},
		"channel/x.go:3: imports channel/simulated, which is above it (adapters)",
	},
	{
		"a package imports only layers below it", "the root",
		map[string]string{"query/x.go": imports + `"` + module + `"`, "query/x_test.go": example},
		"query/x.go:3: imports ., which is above it (root: one page, no code)",
	},
	{
		"a package imports only layers below it", "a package in no layer",
		map[string]string{"query/x.go": imports + at("attic"), "query/x_test.go": example},
		"query/x.go:3: imports attic, which is in no layer",
	},
	{
		"a package imports only layers below it", "a mechanism of the engine and the vocabulary",
		map[string]string{"smsplus/internal/x/x.go": imports + at("status")},
		"smsplus/internal/x/x.go:3: imports status, which is above it (vocabulary)",
	},
	{
		"a package imports only layers below it", "two mechanisms of the engine",
		map[string]string{"smsplus/internal/x/x.go": imports + at("smsplus/internal/y")},
		"smsplus/internal/x/x.go:3: imports its sibling smsplus/internal/y",
	},
	{
		"a package imports nothing that is banned for it", "the console and a store",
		map[string]string{"console/x.go": imports + at("pgstore"), "console/x_test.go": example},
		"console/x.go:3: imports pgstore, which is banned for console",
	},
	{
		"a package imports nothing that is banned for it", "a suite in a program",
		map[string]string{"cmd/demo/x.go": "// Demo is one.\npackage main\nimport _ " + at("channel/channeltest")},
		"cmd/demo/x.go:3: imports channel/channeltest, which is banned for cmd/demo",
	},
	{
		"the engine is built on few modules", "a driver in the engine",
		map[string]string{"smsplus/x.go": imports + `"github.com/jackc/pgx/v5"`},
		"smsplus/x.go:3: imports github.com/jackc/pgx/v5, which is no module for smsplus",
	},
	{
		"the engine is built on few modules", "a driver in the reference store",
		map[string]string{"memstore/x.go": imports + `"github.com/jackc/pgx/v5/pgxpool"`, "memstore/x_test.go": example},
		"memstore/x.go:3: imports github.com/jackc/pgx/v5/pgxpool, which is no module for memstore",
	},
	{
		"the engine is built on few modules", "a module whose path begins like an allowed one",
		map[string]string{"smsplus/x.go": imports + `"golang.org/x/synctools"`},
		"smsplus/x.go:3: imports golang.org/x/synctools, which is no module for smsplus",
	},
	{
		"the engine is built on few modules", "anything in the vocabulary",
		map[string]string{"status/x.go": imports + `"github.com/google/uuid"`},
		"status/x.go:3: imports github.com/google/uuid, which is no module for status",
	},
	{
		"the engine is built on few modules", "a module in a mechanism of the engine",
		map[string]string{"smsplus/internal/x/x.go": imports + `"golang.org/x/sync/errgroup"`},
		"smsplus/internal/x/x.go:3: imports golang.org/x/sync/errgroup, which is no module for smsplus/internal/x",
	},
	{
		"test libraries stay in tests", "testify",
		map[string]string{"query/x.go": imports + `"github.com/stretchr/testify/require"`, "query/x_test.go": example},
		"query/x.go:3: imports github.com/stretchr/testify/require outside of a test",
	},
	{
		"test libraries stay in tests", "the standard library's",
		map[string]string{"query/x.go": imports + `"testing"`, "query/x_test.go": example},
		"query/x.go:3: imports testing outside of a test",
	},
	{
		"no exported declaration names the mock clock", "a parameter",
		mockClockIn("// F is one.\nfunc F(c clock.Clock) {}"),
		"smsplus/x.go:4: the exported F names github.com/benbjohnson/clock",
	},
	{
		"no exported declaration names the mock clock", "a method's result, in a list",
		mockClockIn("// M is one.\nfunc (*Dispatcher) M() []*clock.Mock { return nil }"),
		"smsplus/x.go:4: the exported M names github.com/benbjohnson/clock",
	},
	{
		"no exported declaration names the mock clock", "an exported field",
		mockClockIn("// T is one.\ntype T struct { C clock.Clock }"),
		"smsplus/x.go:4: the exported T names github.com/benbjohnson/clock",
	},
	{
		"no exported declaration names the mock clock", "an embedded field",
		mockClockIn("// T is one.\ntype T struct { clock.Clock }"),
		"smsplus/x.go:4: the exported T names github.com/benbjohnson/clock",
	},
	{
		"no exported declaration names the mock clock", "an alias",
		mockClockIn("// T is one.\ntype T = clock.Clock"),
		"smsplus/x.go:4: the exported T names github.com/benbjohnson/clock",
	},
	{
		"no exported declaration names the mock clock", "a type parameter's bound",
		mockClockIn("// T is one.\ntype T[C clock.Clock] int"),
		"smsplus/x.go:4: the exported T names github.com/benbjohnson/clock",
	},
	{
		"no exported declaration names the mock clock", "an interface's method",
		mockClockIn("// I is one.\ntype I interface {\n// M is one.\nM(clock.Clock)\n}"),
		"smsplus/x.go:6: the exported I names github.com/benbjohnson/clock",
	},
	{
		"no exported declaration names the mock clock", "a variable that takes its type from its value",
		mockClockIn("// V is one.\nvar V = clock.New()"),
		"smsplus/x.go:4: the exported V names github.com/benbjohnson/clock",
	},
	{
		"no exported declaration names the mock clock", "another name for the package",
		map[string]string{"smsplus/x.go": "package smsplus\nimport bb \"github.com/benbjohnson/clock\"\n// V is one.\nvar V bb.Clock"},
		"smsplus/x.go:4: the exported V names github.com/benbjohnson/clock",
	},
	{
		"no package has a meaningless name", "the package's",
		map[string]string{"internal/x/x.go": "// Package util is one.\npackage util"},
		`internal/x: "util" does not say what the package holds`,
	},
	{
		"no package has a meaningless name", "the folder's",
		map[string]string{"internal/helpers/x.go": "// Package x is one.\npackage x"},
		`internal/helpers: "helpers" does not say what the package holds`,
	},
	{
		"every package has a package comment", "a library",
		map[string]string{"query/x.go": "package query"},
		"query: no file has a package comment",
	},
	{
		"every package has a package comment", "a program with a comment that is not the package's",
		map[string]string{"cmd/demo/main.go": "// Copyright.\n\npackage main"},
		"cmd/demo: no file has a package comment",
	},
	{
		"every exported name has a comment", "a function",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc F() {}"},
		"smsplus/x.go:2: F has no comment",
	},
	{
		"every exported name has a comment", "a method",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc (d Dispatcher) M() {}"},
		"smsplus/x.go:2: M has no comment",
	},
	{
		"every exported name has a comment", "a method of a generic type",
		map[string]string{"smsplus/x.go": "package smsplus\n// T is one.\ntype T[A, B any] int\nfunc (*T[A, B]) M() {}"},
		"smsplus/x.go:4: M has no comment",
	},
	{
		"every exported name has a comment", "a function with the name of a method that needs none",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc Error() {}"},
		"smsplus/x.go:2: Error has no comment",
	},
	{
		"every exported name has a comment", "a type in a group with a comment",
		map[string]string{"smsplus/x.go": "package smsplus\n// These are some.\ntype (\nT int\n)"},
		"smsplus/x.go:4: T has no comment",
	},
	{
		"every exported name has a comment", "an interface's method",
		map[string]string{"smsplus/x.go": "package smsplus\n// I is one.\ntype I interface {\n// A is one.\nA()\nM()\n}"},
		"smsplus/x.go:6: I.M has no comment",
	},
	{
		"every exported name has a comment", "a constant",
		map[string]string{"smsplus/x.go": "package smsplus\nconst (\na = 1\nB = 2\n)"},
		"smsplus/x.go:4: B has no comment",
	},
	{
		"every exported name has a comment", "a variable",
		map[string]string{"smsplus/x.go": "package smsplus\nvar A, B int"},
		"smsplus/x.go:2: A has no comment",
	},
	{
		"every public package has an example", "a package without tests",
		map[string]string{"query/x.go": "// Package query is one.\npackage query\n// F is one.\nfunc F() {}"},
		"query: no Example function in its tests",
	},
	{
		"every public package has an example", "a package with tests that are no examples",
		map[string]string{
			"query/x.go":      "// Package query is one.\npackage query\n// F is one.\nfunc F() {}",
			"query/x_test.go": "package query\nfunc TestF() {}\nfunc (t) Example() {}",
		},
		"query: no Example function in its tests",
	},
	{
		"a type that ends in Error is an error", "a type without methods",
		map[string]string{"smsplus/x.go": "package smsplus\n// StoreError is one.\ntype StoreError int"},
		"smsplus/x.go:3: the type StoreError has no method Error() string",
	},
	{
		"a type that ends in Error is an error", "a method with another signature",
		map[string]string{"smsplus/x.go": "package smsplus\ntype xError int\nfunc (xError) Error(int) string { return \"\" }"},
		"smsplus/x.go:2: the type xError has no method Error() string",
	},
	{
		"an error variable begins with Err", "a new error",
		map[string]string{"smsplus/x.go": "package smsplus\nimport \"errors\"\nvar noStore = errors.New(\"\")"},
		"smsplus/x.go:3: the name of the error noStore does not begin with Err",
	},
	{
		"an error variable begins with Err", "a variable of type error",
		map[string]string{"smsplus/x.go": "package smsplus\nvar errors, errX error"},
		"smsplus/x.go:2: the name of the error errors does not begin with Err",
	},
}

func mockClockIn(decl string) map[string]string {
	return map[string]string{"smsplus/x.go": "package smsplus\nimport \"" + mockClock + "\"\n" + decl}
}
