package console

import (
	"fmt"
	"net/http"

	"golang.org/x/text/language"
)

// catalogue holds the texts of a language.
type catalogue struct {
	// code is the language as HTML and cookies name it, and name as its speakers do.
	code, name string
	// messages are the texts by key. Those with verbs are formats of package fmt.
	messages map[string]string
	// meanings explain statuses and reasons.
	meanings meanings
}

// catalogues are the languages of the pages. The first one is the default.
var catalogues = []*catalogue{
	{code: "en", name: "English", messages: english, meanings: englishMeanings},
	{code: "zh-Hant", name: "繁體中文", messages: chinese, meanings: chineseMeanings},
}

var languageMatcher = language.NewMatcher([]language.Tag{language.English, language.TraditionalChinese})

// text returns the text of a key, formatted with the arguments if there are any.
func (c *catalogue) text(key string, args ...any) string {
	message, ok := c.messages[key]
	switch {
	case !ok:
		return "⟦" + key + "⟧" // a test fails on this
	case len(args) == 0:
		return message
	}
	return fmt.Sprintf(message, args...)
}

// has reports whether there is a text of the key.
func (c *catalogue) has(key string) bool {
	_, ok := c.messages[key]
	return ok
}

// The cookies that hold a viewer's choices.
const (
	languageCookie = "smsplus_lang"
	zoneCookie     = "smsplus_zone"
)

// catalogueFor returns the language that the viewer chose, or else the one that the browser
// asks for.
func catalogueFor(r *http.Request) *catalogue {
	if cookie, err := r.Cookie(languageCookie); err == nil {
		for _, c := range catalogues {
			if c.code == cookie.Value {
				return c
			}
		}
	}
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return catalogues[0]
	}
	_, i, _ := languageMatcher.Match(tags...)
	return catalogues[i]
}
