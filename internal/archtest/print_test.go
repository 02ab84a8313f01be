package archtest_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/api"
	"github.com/smsplus/smsplus-go/callback"
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/failover"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/channel/rcs"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/channel/sms"
	"github.com/smsplus/smsplus-go/channel/sms/every8d"
	"github.com/smsplus/smsplus-go/channel/sms/mitake"
	"github.com/smsplus/smsplus-go/channel/sms/smpp"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/channel/sms/twilio"
	"github.com/smsplus/smsplus-go/channel/whatsapp"
	"github.com/smsplus/smsplus-go/console"
	"github.com/smsplus/smsplus-go/internal/archtest"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/phone/national"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/webhook"
)

// printable is an exported type with every field set to a text that names the field.
type printable struct {
	name   string
	shapes map[string]any // by the way in which a program holds the value
	// foreign is the value in an unexported field of another package's type. Fmt calls no
	// method there.
	foreign any
	// shown are the fields that programs may print.
	shown []string
}

// inForeign holds a value as another package's type does.
type inForeign[T any] struct{ inner T }

// of returns the printable of a type. The fields in shown hold the names and the settings
// that a developer chose. All others hold something of a person, or a secret.
func of[T any](shown ...string) printable {
	var v T
	t := reflect.TypeFor[T]()
	name := strings.TrimPrefix(t.PkgPath(), archtest.Module+"/") + "." + t.Name()
	fill(reflect.ValueOf(&v).Elem(), "", 0)
	return printable{name, map[string]any{
		"itself": v, "pointer": &v, "slice": []T{v}, "map": map[string]T{"k": v}, "array of pointers": [1]*T{&v},
		"field": struct{ F T }{v}, "field of a pointer": &struct{ F *T }{&v}, "interface": struct{ F any }{v}, "error or interface in a map": map[string]any{"k": v},
	}, inForeign[T]{v}, shown}
}

const (
	printedNumber = "912345678"
	printedUser   = "U4af4980629aa11bb22cc33dd44ee55ff"
)

// fill sets every exported field to the path that leads to it.
func fill(v reflect.Value, path string, depth int) {
	if !v.CanSet() || depth > 6 {
		return
	}
	set := func(x any) { v.Set(reflect.ValueOf(x)) }
	switch v.Interface().(type) {
	case phone.Number:
		n, err := phone.Parse("+886" + printedNumber)
		if err != nil {
			panic(err)
		}
		set(n)
		return
	case secret.Text:
		set(secret.New(mark(path)))
		return
	case time.Time:
		set(time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC))
		return
	case uuid.UUID:
		set(uuid.UUID{1, 2, 3})
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(mark(path))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."), depth+1)
		}
	case reflect.Pointer:
		if v.Type().Elem().PkgPath() != "" && strings.HasPrefix(v.Type().Elem().PkgPath(), archtest.Module) {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), path, depth+1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(mark(path)))
			return
		}
		fill(v.Index(0), path, depth+1)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, path, depth+1)
		fill(value, path, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Interface:
		if reflect.TypeFor[channel.Text]().Implements(v.Type()) && v.Type() != reflect.TypeFor[any]() {
			set(channel.Text(mark(path)))
		}
	default: // numbers show nothing
	}
}

// mark returns the text of the field at a path.
func mark(path string) string { return "mk" + path + "km" }

// These match a mark as it is, in hexadecimal, and as the numbers of its bytes.
var (
	plainMark   = regexp.MustCompile(`mk([\w.]*)km`)
	hexMark     = regexp.MustCompile(`(?i)6d6b((?:[0-9a-f]{2})*?)6b6d`)
	decimalMark = regexp.MustCompile(`109,? 107,? ((?:\d+,? )*?)107,? 109`)
	goHexMark   = regexp.MustCompile(`0x6d, 0x6b, ((?:0x[0-9a-f]+, )*?)0x6b, 0x6d`)
)

// shownBy returns the paths of the fields that a text shows.
func shownBy(text string) []string {
	paths := map[string]bool{}
	for _, found := range plainMark.FindAllStringSubmatch(text, -1) {
		paths[found[1]] = true
	}
	for _, found := range hexMark.FindAllStringSubmatch(text, -1) {
		var path []byte
		_, _ = fmt.Sscanf(found[1], "%x", &path)
		paths[string(path)] = true
	}
	for _, form := range []*regexp.Regexp{decimalMark, goHexMark} {
		for _, found := range form.FindAllStringSubmatch(text, -1) {
			var path []byte
			for number := range strings.FieldsFuncSeq(found[1], func(r rune) bool { return r == ',' || r == ' ' }) {
				var b byte
				_, _ = fmt.Sscanf(number, "%v", &b)
				path = append(path, b)
			}
			paths[string(path)] = true
		}
	}
	if strings.Contains(text, printedNumber) || strings.Contains(text, fmt.Sprintf("%x", printedNumber)) {
		paths["a phone number"] = true
	}
	if strings.Contains(text, printedUser) || strings.Contains(text, fmt.Sprintf("%x", printedUser)) {
		paths["a user ID"] = true
	}
	return slices.Sorted(maps.Keys(paths))
}

// printAll returns what every way to print and to encode says of a value.
func printAll(v any) map[string]string {
	said := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
		said[verb] = fmt.Sprintf(verb, v)
	}
	for _, handler := range []string{"slog text", "slog JSON"} {
		var b bytes.Buffer
		h := slog.Handler(slog.NewTextHandler(&b, nil))
		if handler == "slog JSON" {
			h = slog.NewJSONHandler(&b, nil)
		}
		slog.New(h).Info("x", "v", v, slog.Group("g", "v", v))
		said[handler] = b.String()
	}
	var inJSON, inXML, inGob bytes.Buffer
	_ = json.NewEncoder(&inJSON).Encode(v)
	_ = xml.NewEncoder(&inXML).Encode(v)
	_ = gob.NewEncoder(&inGob).Encode(v)
	said["JSON"], said["XML"], said["gob"] = inJSON.String(), inXML.String(), inGob.String()
	return said
}

func TestExportedTypes_PrintNothingPersonal(t *testing.T) {
	t.Parallel()
	for _, p := range printables {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			for shape, v := range p.shapes {
				for way, text := range printAll(v) {
					for _, path := range shownBy(text) {
						if !slices.Contains(p.shown, path) {
							t.Errorf("%s, %s: shows %q", shape, way, path)
						}
					}
				}
			}
		})
	}
}

// An application may wrap a type into its own, and print that.
func TestExportedTypes_PrintNoSecretInForeignFields(t *testing.T) {
	t.Parallel()
	for _, p := range printables {
		if strings.HasPrefix(p.name, "channel/sms/smpp/pdu.") {
			continue // the codec of SMPP has plain fields, and no config of an application
		}
		for way, text := range printAll(p.foreign) {
			require.NotContains(t, shownBy(text), "a phone number", "%s, %s", p.name, way)
			for _, path := range shownBy(text) {
				require.NotRegexp(t, archtest.SecretNames, path, "%s, %s", p.name, way)
			}
		}
	}
}

// Values that hold messages in unexported fields are printed as well.
func TestRunningValues_PrintNothingPersonal(t *testing.T) {
	t.Parallel()
	number, err := phone.Parse("+886" + printedNumber)
	require.NoError(t, err)
	to := channel.Recipient{Phone: number, IDs: map[channel.Name]string{channel.SMS: printedUser}}
	store := memstore.New()
	sim := simulated.SMS(nil)
	template := smsplus.Template{ID: "otp", Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("{{code}}")}}}
	d, err := smsplus.New(smsplus.Config{Store: store, Channels: []channel.Channel{sim}, Templates: []smsplus.Template{template}})
	require.NoError(t, err)
	_, err = d.Send(t.Context(), smsplus.Trigger{
		Template: "otp", To: to, Key: mark("key"), Vars: map[string]string{"code": mark("code")}, Metadata: map[string]string{"note": mark("metadata")},
	})
	require.NoError(t, err)
	_, err = d.Tick(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, sim.Inbox(), "there is something to print")
	require.NoError(t, store.Park(t.Context(), []channel.Receipt{{Channel: channel.SMS, ProviderID: "1", Detail: mark("detail")}}))
	directory := line.NewDirectory()
	require.NoError(t, directory.Link(number, printedUser))
	rendered, err := channel.Text("{{code}}").Render(map[string]string{"code": mark("code")})
	require.NoError(t, err)
	for name, v := range map[string]any{
		"memstore": store, "simulated": sim, "dispatcher": d, "directory": directory, "content": rendered,
		"reader": query.New(store, query.Options{}), "handler": webhook.New(d, webhook.Options{}), "inbox": sim.Inbox(),
		"error of a receipt": d.Receive(t.Context(), channel.Receipt{Channel: channel.SMS, ProviderID: "1", Detail: mark("detail"), At: time.Date(60000, 1, 1, 0, 0, 0, 0, time.UTC)}),
	} {
		for _, shape := range []any{v, []any{v}, map[string]any{"v": v}, struct{ V any }{v}} {
			for way, text := range printAll(shape) {
				require.Empty(t, shownBy(text), "%s as %T, %s", name, shape, way)
			}
		}
		if reflect.TypeOf(v).Kind() == reflect.Pointer {
			for _, verb := range []string{"%v", "%+v", "%#v"} { // fmt follows no pointer then
				require.Empty(t, shownBy(fmt.Sprintf(verb, inForeign[any]{v})), "%s in a foreign field, %s", name, verb)
			}
		}
	}
}

func TestExportedTypes_AreAllPrinted(t *testing.T) {
	t.Parallel()
	missing, err := archtest.TypesWithText()
	require.NoError(t, err)
	for _, p := range printables {
		require.Contains(t, missing, p.name, "it is no such type, or it is here twice")
		delete(missing, p.name)
	}
	require.Empty(t, slices.Sorted(maps.Keys(missing)), "add these types to printables")
}

var printables = []printable{
	of[api.Config]("Challenge", "Region"),
	of[api.AuditEntry]("Caller", "Action", "Template", "Filter"),
	of[api.Action](""),
	of[channel.Name](""),
	of[channel.Traits](),
	of[channel.Envelope]("Template", "Scenario"),
	of[channel.Recipient](),
	of[channel.Result]("Reason", "ProviderID"),
	of[channel.Ref]("Channel", "ProviderID"),
	of[channel.Receipt]("Channel", "ProviderID", "NewID", "Reason"),
	of[channel.Text](),
	of[channel.MissingVarError]("Var", "Name"),
	of[channel.Error](),
	of[channel.Verdict]("Reason"),
	of[console.Config]("BasePath", "Title", "HomeURL", "Region"),
	of[console.AuditEntry]("User", "Action", "Channel", "Template", "Filter", "Page"),
	of[console.Action](""),
	of[failover.Config]("Name"),
	of[failover.Channel](),
	of[failover.State](""),
	of[failover.ProviderState]("Name", "State"),
	of[httpapi.Answer](),
	of[httpapi.Fields](),
	of[httpapi.Webhook]("Method", "SignatureHeader"),
	of[line.NotificationConfig]("Name", "Account.BaseURL", "AggregationUnits", "Codes", "Codes.Reason"),
	of[line.Notification](),
	of[line.PushConfig]("Name", "Account.BaseURL", "AggregationUnits", "Codes", "Codes.Reason"),
	of[line.Push](),
	of[line.Contact](),
	of[line.Account]("BaseURL"),
	of[line.Directory](),
	of[line.AggregationUnits](""),
	of[line.Codes]("", "Reason"),
	of[line.Templated](),
	of[line.Messages](),
	of[simulated.Copy](),
	of[simulated.Config]("Name"),
	of[simulated.Askable](),
	of[simulated.Recallable](),
	of[simulated.Channel](),
	of[sms.Size](),
	of[rcs.Channel](),
	of[rcs.Config]("Name", "BaseURL"),
	of[rcs.Message](""),
	of[every8d.Channel](),
	of[every8d.Config]("Name", "BaseURL", "UserID"),
	of[mitake.Config]("Name"),
	of[mitake.Channel](),
	of[smpp.Channel](),
	of[smpp.Config]("Name", "Addr"),
	of[smpp.Numbering]("National.CountryCode", "National.Prefix"),
	of[smpp.National]("CountryCode", "Prefix"),
	of[smpp.IDs](),
	of[pdu.Address](),
	of[pdu.Bind](),
	of[pdu.BindResp]("SystemID"),
	of[pdu.Data](),
	of[pdu.Header](),
	of[pdu.Message](),
	of[pdu.MessageResp]("MessageID"),
	of[pdu.PDU](),
	of[pdu.Query]("MessageID"),
	of[pdu.Cancel]("ServiceType", "MessageID"),
	of[pdu.QueryResp]("MessageID", "FinalDate"),
	of[pdu.Raw](),
	of[pdu.Receipt]("ID", "TextID", "Word", "Err", "NetworkError", "Done"),
	of[pdu.TLV](),
	of[pdu.TLVs](),
	of[twilio.Config](),
	of[twilio.Channel](),
	of[whatsapp.Channel](),
	of[whatsapp.Template]("Name", "Language", "Body.Name", "Header.Text.Name"),
	of[whatsapp.Parameter]("Name"),
	of[whatsapp.Header]("Text.Name"),
	of[whatsapp.Media](),
	of[whatsapp.Button](),
	of[whatsapp.Config]("PhoneNumberID", "Version"),
	of[callback.Change]("Err"),
	of[callback.Config](),
	of[callback.Data]("Template", "Scenario", "Channel", "Reason", "Attempts.Channel", "Attempts.Reason"),
	of[callback.DataAttempt]("Channel", "Reason"),
	of[callback.Sender](),
	of[memstore.Store](),
	of[pgstore.Options]("Schema"),
	of[pgstore.Store](),
	of[phone.Number](),
	of[national.Country]("Region", "Name", "Code"),
	of[query.RangeError]("Field"),
	of[query.Options]("Region"),
	of[query.Match]("Filter.Template", "Filter.Scenario", "Filter.Channel", "Filter.Reason", "Filter.CountryCode", "Filter.After", "Page.Next", "Page.Messages.Template", "Page.Messages.Channel"),
	of[query.Found]("Matches.Filter.Template", "Matches.Filter.Scenario", "Matches.Filter.Channel", "Matches.Filter.Reason", "Matches.Filter.CountryCode", "Matches.Filter.After", "Matches.Page.Next", "Matches.Page.Messages.Template", "Matches.Page.Messages.Channel"),
	of[query.LaneStatus]("Channel", "Template"),
	of[query.Overview](
		"Pauses.Channel", "Pauses.Template", "Pauses.Note", "Dispatchers.Name", "Dispatchers.Channels", "Dispatchers.Templates", "Dispatchers.Shares",
		"Lanes.Channel", "Lanes.Template",
	),
	of[query.Reader](),
	of[query.Export](),
	of[seal.Config](),
	of[seal.Key](),
	of[seal.Ring](),
	of[secret.Text](),
	of[smsplus.AttemptChanged]("Template", "Channel", "Reason"),
	of[smsplus.AttemptStarted]("Template", "Channel"),
	of[smsplus.Attempt]("Channel", "Reason", "ProviderID"),
	of[smsplus.Breaker](),
	of[smsplus.BreakerChanged]("Channel"),
	of[smsplus.ChangePage]("Next", "Messages.Template", "Messages.Channel"),
	of[smsplus.Claim]("Lanes", "Only", "SkipTemplates"),
	of[smsplus.Claimed]("Passed.Lane", "Messages.Template", "Messages.Channel"),
	// A template holds what a developer wrote, before anything of a person is in it.
	of[smsplus.Config]("Name", "Templates.ID", "Templates.Name", "Templates.Scenario", "Templates.Route.Channel", "Templates.Route.Content", "Limits"),
	of[smsplus.Count](),
	of[smsplus.Cursor](""),
	of[smsplus.Dispatcher](),
	of[smsplus.Ended]("Template", "Scenario", "Channel", "Reason"),
	of[smsplus.Filter]("Template", "Scenario", "Channel", "Reason", "CountryCode", "After"),
	of[smsplus.Forwarded]("Template", "From", "To", "Reason"),
	of[smsplus.Lag](),
	of[smsplus.Heartbeat]("Name", "Channels", "Templates", "Shares"),
	of[smsplus.LaneBacklog]("Lane"),
	of[smsplus.Limit](),
	of[smsplus.ListenerStopped]("Channel"),
	of[smsplus.Message]("Template", "Channel"),
	of[smsplus.MessageUnreadable](),
	of[smsplus.Outcome]("Message.Template", "Message.Channel"),
	of[smsplus.OutcomePublished]("Template", "Err"),
	of[smsplus.Page]("Next", "Messages.Template", "Messages.Channel"),
	of[smsplus.PassedLane]("Lane"),
	of[smsplus.ProviderAsked]("Channel", "Err"),
	of[smsplus.AttemptRecalled]("Template", "Channel", "Err"),
	of[smsplus.ChannelReceipts]("Channel"),
	of[smsplus.SilenceChanged]("Channel"),
	of[smsplus.Pause]("Channel", "Template", "Note"),
	of[smsplus.PlannedStep]("Channel"),
	of[smsplus.Published](),
	of[smsplus.ReceiptIgnored]("Channel", "Ref.Channel", "Ref.ProviderID", "Why"),
	of[smsplus.ReceiptLate]("Template", "Channel"),
	of[smsplus.ReceiptParked]("Ref.Channel", "Ref.ProviderID"),
	of[smsplus.ReceiptsUnmatched]("Channel"),
	of[smsplus.Retry](),
	of[smsplus.RetryError]("Err"),
	of[smsplus.Step]("Channel", "Content"),
	of[smsplus.StoreFailed]("Op"),
	of[smsplus.Template]("ID", "Name", "Scenario", "Route.Channel", "Route.Content"),
	of[smsplus.Durations](),
	of[smsplus.Grouping](),
	of[smsplus.GroupStats]("Template", "Scenario", "Channel", "Reason"),
	of[smsplus.GroupSums](),
	of[smsplus.Unit]("Channel", "Reason"),
	of[smsplus.TemplateStats]("Template"),
	of[smsplus.TemplateSuspect]("Template", "Channel", "Why"),
	of[smsplus.Trigger]("Template"),
	of[smsplus.Triggered]("Template", "Scenario", "Channel"),
	of[smsplus.Unreadable](),
	of[smsplus.Unserved]("Template", "Channel"),
	of[smsplus.WaitTooShort]("Template", "Channel"),
	of[sqlitestore.Options](),
	of[sqlitestore.Store](),
	of[status.Edge](),
	of[status.Machine](),
	of[status.Reason](""),
	of[status.TransitionError](),
	of[webhook.Call]("Channel"),
	of[webhook.Handler](),
	of[webhook.Options]("Prefix"),
}
