// Generate writes the quickstart's triggers.csv: an hour of traffic, in which every magic
// number of package simulated occurs on every step of every template. Each run writes the
// same file.
package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel/simulated"
)

const (
	triggers = 3000
	interval = 1200 * time.Millisecond // all triggers together take an hour
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: generate FILE")
	}
	f, err := os.Create(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if err := writeTriggers(f); err != nil {
		log.Fatal(err)
	}
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
}

// template is a template of the quickstart, as the generator needs it.
type template struct {
	id    string
	line  bool // the route begins on LINE, not on WhatsApp
	share int  // of the traffic
	vars  func(*rand.Rand) map[string]string
}

var templates = []template{
	{"order_shipped", false, 20, func(r *rand.Rand) map[string]string {
		return map[string]string{"name": pick(r, english), "order": randomOrder(r), "date": randomDay(r, "%[2]d %[1]s")}
	}},
	{"order_shipped_zh", true, 30, func(r *rand.Rand) map[string]string {
		return map[string]string{"name": pick(r, chinese), "order": randomOrder(r), "date": randomDay(r, "%[3]d月%[2]d日")}
	}},
	{"appointment", false, 10, func(r *rand.Rand) map[string]string {
		return map[string]string{"name": pick(r, english), "place": pick(r, clinics), "date": randomDay(r, "%[2]d %[1]s")}
	}},
	{"appointment_zh", true, 15, func(r *rand.Rand) map[string]string {
		return map[string]string{"name": pick(r, chinese), "place": pick(r, zhClinics), "date": randomDay(r, "%[3]d月%[2]d日")}
	}},
	{"payment_due_zh", true, 15, func(r *rand.Rand) map[string]string {
		return map[string]string{"name": pick(r, chinese), "amount": randomAmount(r), "date": randomDay(r, "%[3]d月%[2]d日")}
	}},
	{"security_alert", false, 10, func(r *rand.Rand) map[string]string {
		return map[string]string{"name": pick(r, english), "place": pick(r, cities)}
	}},
}

var (
	english   = []string{"Alice", "Ben", "Chloe", "David", "Emma", "Farid", "Grace", "Hiroshi", "Ines", "Jack", "O'Brien", "Zoë"}
	chinese   = []string{"王小明", "陳怡君", "林志豪", "張雅婷", "李建宏", "黃淑芬", "吳承翰", "蔡佩珊", "劉家瑋", "歐陽娜娜"}
	clinics   = []string{"Harbour Dental", "Eastside Eye Clinic", "Dr Lee, Room 4", "Maple Street Surgery"}
	zhClinics = []string{"仁愛診所", "信義牙醫", "大安眼科", "松山復健科"}
	cities    = []string{"Singapore", "Hong Kong", "London", "Osaka", "New York"}
)

// odds maps outcomes to weights. An outcome without a weight occurs too, in its own rows.
type odds map[simulated.Outcome]int

var (
	onPush = odds{
		simulated.Delivered: 55, simulated.NoContact: 35, simulated.Blocked: 6, simulated.QuotaExceeded: 3,
		simulated.FlakyTwice: 1,
	}
	onNotify = odds{
		simulated.DeliveredLater: 55, simulated.NoMatch: 22, simulated.Silent: 10, simulated.UnverifiedLater: 6,
		simulated.Blocked: 3, simulated.DeliveredLate: 2, simulated.ToldLate: 1, simulated.Throttled: 1,
	}
	onWhatsApp = odds{
		simulated.ReadLater: 45, simulated.DeliveredLater: 25, simulated.InvalidNumber: 12, simulated.Silent: 8,
		simulated.UndeliverableLater: 4, simulated.DeliveredLate: 2, simulated.OutOfOrder: 2, simulated.TemplateMismatch: 2,
	}
	onSMS = odds{
		simulated.DeliveredLater: 84, simulated.UndeliverableLater: 5, simulated.InvalidNumber: 4, simulated.Silent: 3,
		simulated.DeliveredAfterAll: 1, simulated.FlakyTwice: 2, simulated.ReceiptTwice: 1,
	}
)

// The prefixes of the numbers, before the six magic digits. Taiwan's is that of
// simulated.Number. The others make numbers of a length that does not exist in their
// countries, so that no number belongs to a person.
var (
	lineCountries     = []string{"+886900", "+886900", "+886900", "+81900"}
	whatsAppCountries = []string{"+852900", "+65900", "+44900", "+1900"}
)

var header = []string{"after", "key", "template", "phone", "name", "order", "date", "place", "amount"}

// writeTriggers writes the rows of triggers.csv.
func writeTriggers(w io.Writer) error {
	r := rand.New(rand.NewPCG(8, 86))
	rows := magicRows(r)
	for len(rows) < triggers {
		t := weighted(r, templates, func(t template) int { return t.share })
		if t.line {
			rows = append(rows, newRow(r, t, draw(r, onPush), draw(r, onNotify), draw(r, onSMS)))
		} else {
			rows = append(rows, newRow(r, t, 0, draw(r, onWhatsApp), draw(r, onSMS)))
		}
	}
	r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })

	out := csv.NewWriter(w)
	_ = out.Write(header) // out keeps its first error
	for i, cells := range rows {
		cells["after"] = (time.Duration(i) * interval).String()
		cells["key"] = fmt.Sprintf("event-%04d", i+1)
		record := make([]string, len(header))
		for c, name := range header {
			record[c] = cells[name]
		}
		_ = out.Write(record)
	}
	out.Flush()
	return out.Error()
}

// magicRows returns a row for every outcome on every step of every template. The steps
// before that step refuse, so that the message gets there, and the steps after it
// deliver. Hangs is left out, because a channel that never returns blocks a worker
// forever.
func magicRows(r *rand.Rand) []map[string]string {
	var rows []map[string]string
	for _, t := range templates {
		for _, o := range simulated.Outcomes() {
			switch {
			case o == simulated.Hangs:
			case t.line:
				rows = append(rows,
					newRow(r, t, o, simulated.DeliveredLater, simulated.DeliveredLater),
					newRow(r, t, simulated.NoContact, o, simulated.DeliveredLater),
					newRow(r, t, simulated.NoContact, simulated.NoMatch, o))
			default:
				rows = append(rows,
					newRow(r, t, 0, o, simulated.DeliveredLater),
					newRow(r, t, 0, simulated.InvalidNumber, o))
			}
		}
	}
	return rows
}

// newRow returns a trigger's cells, by column, for a number with these outcomes.
func newRow(r *rand.Rand, t template, push, notify, sms simulated.Outcome) map[string]string {
	countries := whatsAppCountries
	if t.line {
		countries = lineCountries
	}
	cells := t.vars(r)
	cells["template"] = t.id
	cells["phone"] = fmt.Sprintf("%s%02d%02d%02d", pick(r, countries), push, notify, sms)
	return cells
}

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

func draw(r *rand.Rand, from odds) simulated.Outcome {
	possible := slices.DeleteFunc(simulated.Outcomes(), func(o simulated.Outcome) bool { return from[o] == 0 })
	return weighted(r, possible, func(o simulated.Outcome) int { return from[o] })
}

// weighted draws an element of from, with a probability proportional to its weight.
func weighted[T any](r *rand.Rand, from []T, weight func(T) int) T {
	sum := 0
	for _, x := range from {
		sum += weight(x)
	}
	n := r.IntN(sum)
	for _, x := range from {
		if n -= weight(x); n < 0 {
			return x
		}
	}
	panic("unreachable: n was below the sum of the weights")
}

func randomOrder(r *rand.Rand) string  { return fmt.Sprintf("A-%05d", r.IntN(100_000)) }
func randomAmount(r *rand.Rand) string { return fmt.Sprintf("NT$%d,%03d", 1+r.IntN(20), r.IntN(1000)) }

// randomDay returns a day in March or April. The verbs of format are the month's name, the
// day, and the month's number.
func randomDay(r *rand.Rand, format string) string {
	month := time.March + time.Month(r.IntN(2))
	return fmt.Sprintf(format, month, 1+r.IntN(30), int(month))
}
