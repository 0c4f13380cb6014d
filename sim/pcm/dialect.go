package pcm

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// Dialect is how the platform speaks: a release of its texts, and switches that the release sets and
// that may be set singly. It is never changed once it is in use.
type Dialect struct {
	release    spec.Release
	on         [switchCount]bool
	shownAfter time.Duration // how long a GET does not see a report
	duties     map[duty][]*obligation
}

// The switches.
const (
	swPutReports = iota
	swLookupByReport
	swSingleEvents
	swEmptyParty
	swOldWords
	swTenMegabytes
	swStock
	swEmptyStock
	swStates
	swPortability
	swConglomerates
	swFutureDiscarded
	swInteractionOwed
	swCachedToken
	swFreshToken
	swWholeTimespan
	swBehaviour
	swAnySchedule
	swSlips
	swPortabilityOld
	swLegacyEndpoints
	swStrictMethods
	swStrictPath
	swSingleDiscard
	swTokenJSON
	swTokenForm
	swGreenwich
	switchCount
)

// switchRow is one switch: its name, the releases that have it on by themselves, and what it changes.
type switchRow struct {
	name, since, until, changes string
}

const never = "never" // on in no release by itself

// switches is the dialect table. What releases change in the endpoint list and in additionalInfo is in
// the tables of package spec.
var switches = [switchCount]switchRow{
	swPutReports:      {"putReports", "1.0.2", "1.0.4", "PUT corrects four fields of an inconsistent report"},
	swLookupByReport:  {"lookupByReport", "1.0.2", "2025A", "GET of a private report goes by reportId instead of by interaction id"},
	swSingleEvents:    {"singleEvents", "1.0.2", "1.0.4", "journey events come one by one, their values in any case; the answer is {reportId}"},
	swEmptyParty:      {"emptyParty", "1.0.4", "2025A", "a journey event may leave the reporter's organisation empty"},
	swOldWords:        {"oldWords", "1.0.2", "1.0.4", "messages of discards in the words of 1.0.2"},
	swTenMegabytes:    {"tenMegabytes", "1.0.2", "1.0.4", "a body of more than 10 MB is refused, whatever it holds"},
	swStock:           {"stock", "2025A", "-", "consent stock is taken"},
	swEmptyStock:      {"emptyStock", "2025A", "-", "consentsStockList may be empty"},
	swStates:          {"states", "2025C", "-", "payment states are taken"},
	swPortability:     {"portability", "2025B", "-", "credit-portability reports are taken"},
	swConglomerates:   {"conglomerates", "2025B", "-", "an organisation may report for another one of its conglomerate"},
	swFutureDiscarded: {"futureDiscarded", "2025D", "-", "what is more than five minutes ahead is discarded"},
	swInteractionOwed: {"interactionOwed", "2025D", "-", "a client's 408 or 5xx without interaction id is discarded; before, it was accepted and SINGLE"},
	swCachedToken:     {"cachedToken", "2025D", "-", "/token/ answers the live token with what is left of its life; before, always a new one"},
	swFreshToken:      {"freshToken", "2026A", "-", "/token-fresh/ is there"},
	swWholeTimespan:   {"wholeTimespan", "1.0.2", "2026C", "processTimespan is an integer"},
	swBehaviour:       {"behaviour", "2026A", "-", "payment states are compared with the initiator's reports"},
	swAnySchedule:     {"anySchedule", "2026A", "2026C", "SCHD is missed of payments of any type, not of scheduled ones alone"},
	swSlips:           {"slips", "1.0.2", "2026C", "blanks around listed values and accents in company data are overlooked, as files of then had them"},
	swPortabilityOld:  {"portabilityOld", "2025B", "2025D", "portability reports may hold role, contractId, originalContractTerm and propositionTerm"},
	swLegacyEndpoints: {"legacyEndpoints", "1.0.2", "2025D", "majors of before are accepted"},
	swStrictMethods:   {"strictMethods", never, "-", "a method that the endpoint does not have is discarded"},
	swStrictPath:      {"strictPath", never, "-", "private reports need the trailing slash"},
	swSingleDiscard:   {"singleDiscard", never, "-", "one discarded report alone is answered 400 with its answer unwrapped, as the manual shows"},
	swTokenJSON:       {"tokenJSON", "1.0.2", "-", "a token may be asked for with a JSON body"},
	swTokenForm:       {"tokenForm", "1.0.2", "-", "a token may be asked for with a form"},
	swGreenwich:       {"greenwich", never, "-", "days end and deadlines fall by GMT instead of Brasília"},
}

// Switches lists the names of the switches, sorted.
func Switches() []string {
	var all []string
	for _, s := range switches {
		all = append(all, s.name)
	}
	slices.Sort(all)
	return all
}

// within says whether a release has the switch on by itself.
func (s switchRow) within(r spec.Release) bool {
	since, known := spec.FindRelease(s.since)
	until, _ := spec.FindRelease(s.until)
	return known && r.Within(since, until)
}

// speak is the dialect of a release; "" is the current one.
func speak(release string) (*Dialect, error) {
	d := &Dialect{release: spec.CurrentRelease}
	if release != "" {
		r, known := spec.FindRelease(release)
		if !known {
			return nil, fmt.Errorf("no release %q of the metrics platform; there are %s", release, strings.Join(spec.Releases(), ", "))
		}
		d.release = r
	}
	for i, s := range switches {
		d.on[i] = s.within(d.release)
	}
	d.duties = dutiesOf(d.release)
	return d, nil
}

// MarshalJSON writes the release, every switch and shownAfter.
func (d *Dialect) MarshalJSON() ([]byte, error) {
	all := map[string]any{"release": d.release.String(), "shownAfter": d.shownAfter.String()}
	for i, s := range switches {
		all[s.name] = d.on[i]
	}
	return json.Marshal(all)
}

// change is the dialect with an edit: "release" first, which sets every switch, then single switches,
// then "shownAfter", a duration. Unknown names are errors.
func (d *Dialect) change(edit map[string]any) (*Dialect, error) {
	next := *d
	if name, there := edit["release"]; there {
		text, ok := name.(string)
		if !ok || text == "" {
			return nil, fmt.Errorf("release is a name, one of %s", strings.Join(spec.Releases(), ", "))
		}
		spoken, err := speak(text)
		if err != nil {
			return nil, err
		}
		next = *spoken
	}
	for _, name := range slices.Sorted(maps.Keys(edit)) {
		value := edit[name]
		switch name {
		case "release":
			continue
		case "shownAfter":
			text, _ := value.(string)
			after, err := time.ParseDuration(text)
			if err != nil || after < 0 {
				return nil, fmt.Errorf(`shownAfter is a duration such as "2s"`)
			}
			next.shownAfter = after
			continue
		}
		i := slices.IndexFunc(switches[:], func(s switchRow) bool { return s.name == name })
		on, ok := value.(bool)
		switch {
		case i < 0:
			return nil, fmt.Errorf("no switch %q; there are %s", name, strings.Join(Switches(), ", "))
		case !ok:
			return nil, fmt.Errorf("switch %s is true or false", name)
		}
		next.on[i] = on
	}
	return &next, nil
}

// Dialect is how the platform speaks now.
func (p *PCM) Dialect() *Dialect { return p.dialect.Load() }

// Speak changes the dialect for the requests from now on; what was decided stays.
func (p *PCM) Speak(edit map[string]any) error {
	p.speaking.Lock()
	defer p.speaking.Unlock()
	next, err := p.Dialect().change(edit)
	if err == nil {
		p.dialect.Store(next)
	}
	return err
}

// zone is where days end.
func (d *Dialect) zone() *time.Location {
	if d.on[swGreenwich] {
		return time.UTC
	}
	return brasilia
}

// brasilia has had no summer time since 2019.
var brasilia = time.FixedZone("BRT", -3*60*60)

// dutiesOf compiles the additionalInfo rows of a release, once.
var dutiesOf = func() func(spec.Release) map[duty][]*obligation {
	var mu sync.Mutex
	of := map[spec.Release]map[duty][]*obligation{}
	return func(r spec.Release) map[duty][]*obligation {
		mu.Lock()
		defer mu.Unlock()
		if of[r] == nil {
			of[r] = compileObligations(r)
		}
		return of[r]
	}
}()
