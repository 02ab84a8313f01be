package archtest

// The house, from the roof down. A package imports what stands on floors under its
// own: nothing above, and no neighbour but a part of itself in a folder below. "x/..."
// is x's folder and all below it, unless another line names a package there.
//
// It binds what ships. Tests may import what they like, for the suites and the
// simulated providers stand on floors above what they help to test.
var house = []floor{
	{"the door: one page, no code", []string{"."}},
	{"the workshop: for developers of the module", []string{"internal/..."}},
	{"people look at it", []string{"console/...", "examples/...", "cmd/..."}},
	{"providers call in", []string{"webhook/..."}},
	{"records, statistics, export", []string{"query/..."}},
	{"where messages live", []string{"memstore/...", "sqlitestore/...", "pgstore/...", "storetest"}},
	{"what the durable stores are built from", []string{"internal/rowcodec", "internal/migrate"}},
	{"Dispatcher, Message, Template, Store", []string{"smsplus"}},
	{"what the engine is built from", []string{"smsplus/internal/..."}},
	{"the adapters", []string{"channel/..."}},
	{"what several adapters are built from", []string{"channel/httpapi", "channel/sms"}},
	{"what an adapter is", []string{"channel"}},
	{"the vocabulary", []string{"status", "phone", "seal"}},
	{"time as the stores keep it", []string{"internal/microtime"}},
}

// never is what the floors alone do not forbid: whoever works on any store knows
// none, and the suites are for tests.
var never = []ban{
	{"query/...", stores},
	{"webhook/...", stores},
	{"console/...", stores},
	{"...", suites},
}

var (
	stores = []string{"memstore/...", "sqlitestore/...", "pgstore/..."}
	suites = []string{"storetest", "channel/channeltest", "internal/interop", "internal/pgtest", "internal/replay"}
)

// builtOn is what an application compiles that uses only the engine and memstore:
// beside the standard library and the floors below, each package needs these
// modules alone.
var builtOn = map[string][]string{
	"memstore":          {uuid},
	"pgstore":           {uuid, "github.com/jackc/pgx/v5"},
	"internal/rowcodec": {uuid},
	"internal/migrate":  nil,
	"smsplus":           {uuid, "golang.org/x/sync", "golang.org/x/time", mockClock},
	"channel":           {uuid},
	"status":            nil,
	"phone":             nil,
	"seal":              nil,

	"internal/microtime": nil,
}

const (
	module = "github.com/smsplus/smsplus-go"
	uuid   = "github.com/google/uuid"

	// mockClock is no longer maintained, so no exported declaration names it: it
	// can be replaced without breaking an application.
	mockClock = "github.com/benbjohnson/clock"
)

// testOnly never reaches an application: only tests and the suites import it.
var testOnly = []string{
	"testing",
	"github.com/stretchr/testify",
	"pgregory.net/rapid",
	"go.uber.org/goleak",
}

// meaningless are names that say nothing of what a package holds.
var meaningless = []string{"util", "utils", "common", "helper", "helpers", "types", "base", "misc", "shared"}

// selfEvident are the methods that need no comment: errors says what they do.
var selfEvident = []string{"Error", "Unwrap"}

// rules is what every package must keep.
var rules = []rule{
	{"every package stands on a floor", standsOnAFloor},
	{"a package imports only floors under it", importsOnlyBelow},
	{"a package never imports what it is not to know", importsNothingBanned},
	{"the engine is built on few modules", isBuiltOnFewModules},
	{"test libraries stay in tests", keepsTestLibrariesInTests},
	{"no exported declaration names the mock clock", namesNoMockClock},
	{"no package has a name that says nothing", hasAName},
	{"every package says what it is", hasAPackageComment},
	{"every exported name has a comment", hasCommentsOnExportedNames},
	{"every public package has an example", hasAnExample},
}
