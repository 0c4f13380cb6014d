package fault

import "time"

// noon is a break of ninety minutes in the middle of every day in Brasília: 6.25 % of it.
func noon(at time.Time) bool {
	const from, to = 15*time.Hour + 0, 16*time.Hour + 30*time.Minute // of the day in UTC
	since := at.Sub(at.Truncate(24 * time.Hour))
	return since >= from && since < to
}

// The area of availability (DISP-): seen over days alone, by a quarter under the stepped clock.
var availability = []Defect{
	{Name: "availability/daily-outage", Kind: Time, Rule: "DISP-DAY", Weight: Major, Profile: "quarter",
		Symptom: "from 12:00 to 13:30 of every day calls of class high are answered 503",
		OnServe: func(v *Serve) {
			if v.Class == "high" && noon(v.At) {
				v.Status = 503
			}
		}},
}
