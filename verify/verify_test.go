package verify

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"tali/parser"
)

// The phones of the tests. The range is not assigned.
const (
	phoneA     = "+6280000000001" // officer of Boroko TPS 003
	phoneB     = "+6280000000002" // another officer of the same station
	phoneC     = "+6280000000003" // officer of two stations
	phoneIdle  = "+6280000000004" // officer without a station
	phoneOwn   = "+6280000000099" // one of our modems
	phoneAlien = "+6280000000777" // nobody we know
)

const tpsA = "10013505"

var zone = time.FixedZone("WITA", 8*60*60)

// at is a time of the count, on the officers' clock.
func at(clock string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", "2024-11-27 "+clock, zone)
	if err != nil {
		panic(err)
	}
	return t
}

func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("Pasangan %d", i+1)
	}
	return out
}

func ballot(digit byte, keyword string, form parser.Form, unit string, n int) *parser.Ballot {
	return &parser.Ballot{
		Digit: digit, Keyword: keyword, Title: keyword, Contest: keyword,
		Form: form, Unit: unit, Contestants: names(n),
	}
}

// testProfile has a full form twice with as many rows, a short form and one
// that is too long for a receipt with every figure.
func testProfile(t testing.TB) *parser.Profile {
	t.Helper()
	return buildProfile(t,
		ballot('6', "PILGUB", parser.FormFull, "calon", 3),
		ballot('7', "PILBUP", parser.FormFull, "calon", 3),
		ballot('8', "PILWALI", parser.FormShort, "calon", 2),
		ballot('2', "DPD", parser.FormFull, "calon", 18),
	)
}

func buildProfile(t testing.TB, ballots ...*parser.Ballot) *parser.Profile {
	t.Helper()
	p, err := parser.NewProfile(parser.Profile{
		ID: "uji-2024", Name: "Uji 2024", Version: 1, Digest: "d1", Phase: parser.PhaseRehearsal, Round: 1,
		Regency: "7108", Auth: parser.AuthOff, Zone: zone, ZoneTag: "WITA",
		Opens: at("13:00"), Closes: at("23:00"),
		ReservePermille: 25, QuestionTTL: time.Hour, UnknownPerHour: 2,
		Ballots: ballots, Texts: defaultTexts(t),
	})
	if err != nil {
		t.Fatalf("building the test profile: %v", err)
	}
	return p
}

// defaultTexts are the texts that officers really get.
func defaultTexts(t testing.TB) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../configs/replies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string][]string{}
	if err := yaml.Unmarshal(text, &texts); err != nil {
		t.Fatalf("reading replies.yaml: %v", err)
	}
	return texts
}

func station(t testing.TB, six, village string, number, voters int) Station {
	t.Helper()
	code, err := parser.NewTPSCode(six)
	if err != nil {
		t.Fatal(err)
	}
	return Station{
		Code: "7108012001" + fmt.Sprintf("%03d", number), TPS: string(code),
		Village: village, Number: number, Voters: voters, District: "Kaidipang", Generation: 1,
	}
}

func testRegistry(t testing.TB) *Registry {
	t.Helper()
	boroko := station(t, "100135", "Boroko", 3, 400)
	kuala := station(t, "100136", "Kuala", 1, 300)
	utara := station(t, "100137", "Boroko Utara", 2, 0)
	r, err := NewRegistry(Registry{
		Profile: "d1", TakenAt: at("12:00"), Own: []string{phoneOwn},
		Stations: []Station{boroko, kuala, utara},
		Officers: []Officer{
			{Phone: phoneC, Name: "Cici", Stations: []Station{kuala, utara}},
			{Phone: phoneA, Name: "Ani", Stations: []Station{boroko}},
			{Phone: phoneB, Name: "Budi", Stations: []Station{boroko}},
			{Phone: phoneIdle, Name: "Dedi"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func testFacts(t testing.TB) *Facts {
	t.Helper()
	return testRegistry(t).Facts(phoneA, phoneB, phoneC, phoneIdle)
}

// form fills in what follows from votes, invalid and spoiled ballots and those
// received.
func form(b *parser.Ballot, votes []int, invalid, spoiled, received int) parser.Figures {
	sum := 0
	rows := parser.Figures{}
	for _, v := range votes {
		sum += v
		rows = append(rows, int16(v))
	}
	all := sum + invalid
	rows = append(rows, int16(sum), int16(invalid), int16(all))
	if b.Form == parser.FormFull {
		rows = append(rows, int16(all), int16(received), int16(all), int16(spoiled), int16(received-all-spoiled))
	}
	return rows
}

func message(i int, from, text string, received time.Time) Message {
	return Message{
		Key: Key{byte(i >> 8), byte(i)}, Kind: MessageText, Sender: from, Text: text,
		SentAt: received, ReceivedAt: received, Gateway: "g1", Modem: "m1",
		Proof: fmt.Sprintf("7F%03d", i),
	}
}
