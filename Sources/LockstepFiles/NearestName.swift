/// The name nearest to what somebody wrote, for "did you mean".
public enum NearestName {
  /// The candidate that was most likely meant; nil where none is near.
  ///
  /// In this order: the same letters in another spelling (`batch_size` for `batchSize`), another
  /// usual name of the same thing (`lr` for `learningRate`, see `Synonyms`), and the smallest edit
  /// distance (insertions, deletions, substitutions and swaps of neighbours; case does not count),
  /// the first of equals. Names further away than a third of the name's length, and at least two
  /// edits, are no answer.
  public static func find(_ name: String, among candidates: [String]) -> String? {
    synonym(name, among: candidates) ?? nearest(name, among: candidates)
  }

  /// The candidate that means the same: another spelling, or another usual name.
  package static func synonym(_ name: String, among candidates: [String]) -> String? {
    for meant in [folded(name)] + Synonyms.names(of: folded(name)).map(folded) {
      if let found = candidates.first(where: { folded($0) == meant }) { return found }
    }
    return nil
  }

  /// A name without case and separators: `batch_size`, `batch-size` and `batchSize` are one.
  package static func folded(_ name: String) -> String {
    String(
      name.lowercased().unicodeScalars.filter { !"_- .".unicodeScalars.contains($0) }.prefix(128))
  }

  private static func nearest(_ name: String, among candidates: [String]) -> String? {
    let wanted = Array(name.lowercased().unicodeScalars.prefix(128))
    let limit = max(2, wanted.count / 3)
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
      let letters = Array(candidate.lowercased().unicodeScalars.prefix(128))
      let distance = editDistance(wanted, letters)
      if distance <= limit, distance < max(wanted.count, letters.count),
        distance < best?.distance ?? .max
      {
        best = (candidate, distance)
      }
    }
    return best?.candidate
  }

  /// The optimal string alignment distance.
  private static func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var cost = min(
          previous[j] + (a[i] == b[j] ? 0 : 1), previous[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
          cost = min(cost, beforePrevious[j - 1] + 1)
        }
        row.append(cost)
      }
      beforePrevious = previous
      previous = row
    }
    return previous[b.count]
  }
}
