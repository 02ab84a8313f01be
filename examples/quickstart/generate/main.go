// Generate writes the quickstart's triggers.csv, the same one every time: an hour
// of traffic, and in it every magic number of package simulated on every step of
// every template.
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
	apart    = 1200 * time.Millisecond // so that all of them take an hour
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: generate FILE")
	}
	f, err := os.Create(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if err := write(f); err != nil {
		log.Fatal(err)
	}
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
}

// template is what the generator knows of one of the quickstart's templates.
type template struct {
	id    string
	line  bool // the route begins on LINE, not on WhatsApp
	share int  // of the traffic
	vars  func(*rand.Rand) map[string]string
}

var templates = []template{
	{"order_shipped", false, 20, func(r *rand.Rand) map[string]string {
		return map[string]string{"name": pick(r, english), "order": order(r), "date": day(r, "%[2]d %[1]s")}
	}},
	{"order_shipped_zh", true, 30, func(r *rand.Rand) map[string]string {
		return map[string]string{"name": pick(r, chinese), "order": order(r), "date": day(r, "%[3]d月%[2]d日")}
	}},
	{"appointment", false, 10, func(r *rand.Rand) map[string]string {
		return map[string]string{"name": pick(r, english), "place": pick(r, clinics), "date": day(r, "%[2]d %[1]s")}
	}},
	{"appointment_zh", true, 15, func(r *rand.Rand) map[string]string {
		return map[string]string{"name": pick(r, chinese), "place": pick(r, zhClinics), "date": day(r, "%[3]d月%[2]d日")}
	}},
	{"payment_due_zh", true, 15, func(r *rand.Rand) map[string]string {
		return map[string]string{"name": pick(r, chinese), "amount": amount(r), "date": day(r, "%[3]d月%[2]d日")}
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

// odds are outcomes with a weight each. What they leave out still occurs, as every
// outcome has rows of its own.
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

// The prefixes of the numbers, before the six digits that are magic. Taiwan's is
// that of simulated.Number; the others make numbers of a length that their
// countries do not have, so that none of them is a person's.
var (
	lineCountries     = []string{"+886900", "+886900", "+886900", "+81900"}
	whatsAppCountries = []string{"+852900", "+65900", "+44900", "+1900"}
)

var header = []string{"after", "key", "template", "phone", "name", "order", "date", "place", "amount"}

// write writes the triggers.
func write(w io.Writer) error {
	r := rand.New(rand.NewPCG(8, 86))
	rows := magic(r)
	for len(rows) < triggers {
		t := weighted(r, templates, func(t template) int { return t.share })
		if t.line {
			rows = append(rows, row(r, t, draw(r, onPush), draw(r, onNotify), draw(r, onSMS)))
		} else {
			rows = append(rows, row(r, t, 0, draw(r, onWhatsApp), draw(r, onSMS)))
		}
	}
	r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })

	out := csv.NewWriter(w)
	_ = out.Write(header) // out keeps its first error
	for i, cells := range rows {
		cells["after"] = (time.Duration(i) * apart).String()
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

// magic returns a row for every outcome on every step of every template. The steps
// before it refuse, so that the message gets there, and those after it deliver.
// Hangs is left out: a channel that never returns keeps its worker for good.
func magic(r *rand.Rand) []map[string]string {
	var rows []map[string]string
	for _, t := range templates {
		for _, o := range simulated.Outcomes() {
			switch {
			case o == simulated.Hangs:
			case t.line:
				rows = append(rows,
					row(r, t, o, simulated.DeliveredLater, simulated.DeliveredLater),
					row(r, t, simulated.NoContact, o, simulated.DeliveredLater),
					row(r, t, simulated.NoContact, simulated.NoMatch, o))
			default:
				rows = append(rows,
					row(r, t, 0, o, simulated.DeliveredLater),
					row(r, t, 0, simulated.InvalidNumber, o))
			}
		}
	}
	return rows
}

// row returns a trigger's cells, by column, for someone with these outcomes.
func row(r *rand.Rand, t template, push, notify, sms simulated.Outcome) map[string]string {
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

// weighted draws one of from, each as often as its weight says.
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

func order(r *rand.Rand) string  { return fmt.Sprintf("A-%05d", r.IntN(100_000)) }
func amount(r *rand.Rand) string { return fmt.Sprintf("NT$%d,%03d", 1+r.IntN(20), r.IntN(1000)) }

// day returns a day in March or April; format's verbs are the month's name, the
// day, and the month's number.
func day(r *rand.Rand, format string) string {
	month := time.March + time.Month(r.IntN(2))
	return fmt.Sprintf(format, month, 1+r.IntN(30), int(month))
}
