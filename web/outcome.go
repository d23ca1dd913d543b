package web

import "tali/verify"

// The tones of the style sheet.
const (
	toneGood  = "good"
	toneAsk   = "ask"
	toneStop  = "stop"
	toneQuiet = "quiet"
)

// Where an outcome is counted: the tiles of all groups add up to the messages.
const (
	groupAccepted = iota
	groupAsked
	groupHeld
	groupUnknown
	groupOther
)

// outcomeWord is how an outcome reads on the page.
type outcomeWord struct {
	outcome             verify.Outcome
	group               int
	Word, Tone, Meaning string
}

// outcomeWords are all outcomes that are stored, the usual ones first.
func outcomeWords() []outcomeWord {
	return []outcomeWord{
		{verify.OutcomeAccepted, groupAccepted, "diterima", toneGood, "Semua angka dan K cocok. Petugas KPPS mendapat tanda terima; verifikator masih memeriksanya."},
		{verify.OutcomeSame, groupOther, "sama, sudah ada", toneGood, "Laporan yang sama sudah pernah masuk. Tidak ada yang berubah."},
		{verify.OutcomeFigures, groupAsked, "ditanya: angka atau K", toneAsk, "Penjumlahan atau K belum cocok. Petugas KPPS diminta mencocokkannya dengan formulir."},
		{verify.OutcomeStructure, groupAsked, "ditanya: susunan", toneAsk, "Ada angka yang kurang, lebih, tergabung atau terpotong."},
		{verify.OutcomeWrongTPS, groupAsked, "ditanya: kode TPS", toneAsk, "Kode TPS bukan milik nomor ini. Tidak dihitung untuk TPS mana pun."},
		{verify.OutcomeUnproven, groupAsked, "ditanya: kode asli", toneAsk, "Angka dan K cocok, tetapi kode asli belum ada atau tidak cocok. Disimpan, tetapi belum dihitung."},
		{verify.OutcomeUnreadable, groupAsked, "ditanya: tidak terbaca", toneAsk, "Ada kata yang belum dikenal. Petugas KPPS diberi contoh urutannya."},
		{verify.OutcomeNoQuestion, groupAsked, "jawaban tanpa pertanyaan", toneAsk, "Tidak ada pertanyaan yang menunggu jawaban ini. Petugas KPPS diminta mengirim lengkap."},
		{verify.OutcomeNotOpen, groupAsked, "belum dibuka", toneAsk, "Datang sebelum pelaporan dibuka. Disimpan, tetapi belum dihitung."},
		{verify.OutcomeConflict, groupHeld, "ditahan: angka berbeda", toneStop, "Sudah ada laporan dengan angka lain. Yang pertama tetap; verifikator yang memutuskan."},
		{verify.OutcomeHeld, groupHeld, "ditahan", toneStop, "Perlu dipastikan dulu lewat telepon oleh verifikator."},
		{verify.OutcomeUnknown, groupUnknown, "nomor tidak dikenal", toneStop, "Pengirim belum terdaftar. Disimpan terpisah dan tidak dihitung."},
		{verify.OutcomeDamaged, groupOther, "tidak utuh", toneStop, "SMS sampai rusak atau sebagiannya hilang. Disimpan apa adanya dan tidak dihitung."},
		{verify.OutcomeService, groupOther, "layanan", toneQuiet, "UJI, HADIR, STATUS atau BANTU."},
		{verify.OutcomeCourtesy, groupOther, "ucapan", toneQuiet, "Ucapan seperti terima kasih. Tidak perlu dijawab."},
		{verify.OutcomeIgnored, groupOther, "tanpa jawaban", toneQuiet, "Dari pengirim yang bukan nomor telepon biasa, misalnya operator. Disimpan saja."},
	}
}

// wordOf never hides an outcome that the page does not know yet.
func wordOf(o verify.Outcome) outcomeWord {
	for _, w := range outcomeWords() {
		if w.outcome == o {
			return w
		}
	}
	return outcomeWord{o, groupOther, string(o), toneQuiet, "Belum dijelaskan di halaman ini."}
}
