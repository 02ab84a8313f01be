package archtest

// layers are the module's packages from the top down. A package imports packages of
// the layers below its own. It imports none of a layer above, and no sibling except
// those in folders below its own. "x/..." is the folder x and all folders below it,
// unless another line names a package there.
//
// Only production files are bound. A test may import any package: the test suites and
// the simulated providers are in layers above the packages that they test.
var layers = []layer{
	{"root: one page, no code", []string{"."}},
	{"internal: for developers of the module", []string{"internal/..."}},
	{"kits for the tests of applications", []string{"smsplustest"}},
	{"programs", []string{"examples/...", "cmd/...", "test/rollout/application"}},
	{"pages, and the API for programs", []string{"console/...", "api/..."}},
	{"filters in URLs", []string{"internal/recordfilter"}},
	{"providers' webhooks, and the application's", []string{"webhook/...", "callback"}},
	{"records, statistics, export", []string{"query/..."}},
	{"stores", []string{"memstore/...", "sqlitestore/...", "pgstore/...", "storetest"}},
	{"building blocks of durable stores", []string{"internal/rowcodec", "internal/migrate", "internal/sqlquery"}},
	{"counters of grouped statistics", []string{"internal/daysheet"}},
	{"engine: Dispatcher, Message, Template, Store", []string{"smsplus"}},
	{"adapters", []string{"channel/..."}},
	{"building blocks of adapters", []string{"channel/httpapi", "channel/sms", "internal/jsontext"}},
	{"definition of a channel", []string{"channel"}},
	{"numbers as people type them", []string{"phone/national"}},
	{"vocabulary", []string{"status", "phone", "seal"}},
	{"secrets that do not print", []string{"secret"}},
	{"time as stores keep it", []string{"internal/microtime"}},
	{"words without the person", []string{"internal/scrub"}},
	{"words for a failed HTTP call", []string{"internal/neterror"}},
	{"values that print without the person", []string{"internal/mask"}},
	{"cells that spreadsheets do not change", []string{"internal/csvcell"}},
	{"logs that do not repeat themselves", []string{"internal/loglimit"}},
	{"mechanisms of the engine that know no message", []string{"smsplus/internal/..."}},
}

// bans forbid imports that the layers allow. A package that works on any store imports
// none, and the suites are for tests.
var bans = []ban{
	{"query/...", stores},
	{"webhook/...", stores},
	{"callback", stores},
	{"console/...", stores},
	{"api/...", stores},
	{"...", suites},
}

var (
	stores = []string{"memstore/...", "sqlitestore/...", "pgstore/..."}
	suites = []string{"smsplustest", "storetest", "channel/channeltest", "internal/interop", "internal/pgtest", "internal/replay"}
)

// builtOn lists the only modules that a package may import in addition to the standard
// library and the layers below. They are what an application compiles that uses only
// the engine and memstore.
var builtOn = map[string][]string{
	"memstore":             {uuid},
	"pgstore":              {uuid, "github.com/jackc/pgx/v5"},
	"internal/rowcodec":    {uuid},
	"internal/migrate":     nil,
	"internal/daysheet":    nil,
	"smsplus":              {uuid, "golang.org/x/sync", "golang.org/x/time", breaker, mockClock},
	"smsplus/internal/...": {"golang.org/x/time"},
	"channel":              {uuid},
	"status":               nil,
	"phone":                nil,
	"seal":                 nil,
	"secret":               nil,
	"internal/microtime":   nil,
	"internal/scrub":       nil,
	"internal/mask":        nil,
	"internal/neterror":    nil,
	"internal/csvcell":     nil,
	"internal/loglimit":    nil,
	"internal/sqlquery":    nil,
}

const (
	module = "github.com/smsplus/smsplus-go"
	uuid   = "github.com/google/uuid"

	// breaker opens on a channel that hangs.
	breaker = "github.com/sony/gobreaker/v2"

	// mockClock is no longer maintained. No exported declaration names it, so that it
	// can be replaced without breaking an application.
	mockClock = "github.com/benbjohnson/clock"
)

// testOnly lists imports that never reach an application. Only tests and the suites
// import them.
var testOnly = []string{
	"testing",
	"github.com/stretchr/testify",
	"pgregory.net/rapid",
	"go.uber.org/goleak",
}

// meaningless lists names that do not say what a package holds.
var meaningless = []string{"util", "utils", "common", "helper", "helpers", "types", "base", "misc", "shared"}

// selfEvident lists methods that need no comment. Package errors documents them.
var selfEvident = []string{"Error", "Unwrap"}

// rules are checked for every package.
var rules = []rule{
	{"every package is in a layer", isInALayer},
	{"a package imports only layers below it", importsOnlyLayersBelow},
	{"a package imports nothing that is banned for it", importsNothingBanned},
	{"the engine is built on few modules", isBuiltOnFewModules},
	{"test libraries stay in tests", keepsTestLibrariesInTests},
	{"no exported declaration names the mock clock", namesNoMockClock},
	{"no package has a meaningless name", hasMeaningfulName},
	{"every package has a package comment", hasPackageComment},
	{"every exported name has a comment", hasCommentsOnExportedNames},
	{"every public package has an example", hasExample},
	{"a type that ends in Error is an error", hasErrorTypes},
	{"an error variable begins with Err", hasErrorVariables},
	{"an unexported name has one meaning in a package", hasOneMeaningPerName},
	{"an unexported verb has an object", hasVerbsWithObjects},
	{"a comment begins with the declared name", beginsCommentsWithNames},
	{"comments are plain", hasPlainComments},
	{"the state machine has no effects", hasPureMachine},
	{"only the state machine decides", decidesInMachine},
}
