package parser

// Figures holds the rows of one tally in form order: v1..vn, S, T, J and, in
// the full form, P, D, U, R, Z. Each is 0..999: the paper form has three boxes.
type Figures []int16

// Label names a row after the votes by the letter that officers may type.
type Label byte

// The labelled rows of C.HASIL, in form order.
const (
	LabelS Label = 'S' // suara sah: valid votes, all contestants together
	LabelT Label = 'T' // suara tidak sah: invalid votes
	LabelJ Label = 'J' // sah + tidak sah: votes cast
	LabelP Label = 'P' // pengguna hak pilih: voters who used their right
	LabelD Label = 'D' // surat suara diterima: ballots received, reserve included
	LabelU Label = 'U' // digunakan: ballots used
	LabelR Label = 'R' // dikembalikan, rusak/keliru coblos: ballots returned spoiled
	LabelZ Label = 'Z' // tidak digunakan: ballots unused, reserve included
)

// MaxFigure is the largest figure of a row: three boxes on the paper form.
const MaxFigure = 999

// Relation is one arithmetic rule of the form.
type Relation string

// The relations between rows. The short form knows only the first two.
const (
	RelationS Relation = "S=V"     // S = v1+...+vn
	RelationJ Relation = "J=S+T"   //
	RelationP Relation = "P=J"     //
	RelationU Relation = "U=J"     //
	RelationD Relation = "D=U+R+Z" //
)

// Contradiction is a relation that a tally does not keep.
type Contradiction struct {
	Relation Relation
	Want     int // what the other rows add up to
	Got      int // what stands in the row that the relation names first
}
