import LockstepDatasets
import Testing

/// The words and characters of texts as tokens.
@Suite struct TextVocabularyTests {
  @Test(
    "entries come by how often they occur, then by their code points, behind padding and unknown")
  func order() {
    let words = TextVocabulary(
      fitting: ["b a, a; C c! d", "B-b's d"], unit: .words, size: 100)
    #expect(words.entries == ["b", "a", "c", "d", "s"])
    #expect(words.size == 100)
    #expect(words.encode("A b zebra C") == [3, 2, 1, 4])
    let characters = TextVocabulary(fitting: ["ab", "bB"], unit: .characters, size: 4)
    #expect(characters.entries == ["b", "B"])
    #expect(characters.encode("aBb") == [1, 3, 2])
  }

  @Test("rare words are unknown, and so is a text without words")
  func unknown() {
    let words = TextVocabulary(fitting: ["one two two"], unit: .words, size: 3)
    #expect(words.entries == ["two"])
    #expect(words.encode("one two") == [1, 2])
    #expect(words.encode("… !") == [1])
  }

  @Test("words are letters, marks and digits of all scripts, in lower case")
  func scripts() {
    let words = TextVocabulary(
      fitting: ["Größe ÉTÉ e\u{301}te\u{301} 2nd λόγος, 中文。"], unit: .words, size: 50)
    // The two forms of é are one.
    #expect(words.entries.count == 5)
    #expect(Set(words.entries) == ["größe", "été", "2nd", "λόγος", "中文"])
    #expect(words.entries.first == "été")
  }

  @Test("a vocabulary that is given has distinct entries and room for them")
  func given() {
    #expect(TextVocabulary(unit: .words, size: 4, entries: ["a", "b"])?.encode("b a") == [3, 2])
    #expect(TextVocabulary(unit: .words, size: 3, entries: ["a", "b"]) == nil)
    #expect(TextVocabulary(unit: .words, size: 9, entries: ["a", "a"]) == nil)
  }
}
