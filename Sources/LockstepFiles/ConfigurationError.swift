/// A configuration that cannot be used: the path of the key, and what is wrong with it.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file or other origin of the configuration.
  public let source: String
  /// The dotted path of the key, `training.batchSize`; empty for the configuration as a whole.
  public let path: String
  /// What was expected, what was found, what to do.
  public let reason: String

  public init(source: String, path: String, reason: String) {
    self.source = source
    self.path = path
    self.reason = reason
  }

  public var description: String { "\(source.printable): \(reason.printableLines)" }
}

/// The name nearest to what somebody wrote, for "did you mean".
public enum NearestName {
  /// The candidate with the smallest edit distance (insertions, deletions, substitutions and
  /// swaps of neighbours; case does not count), the first of equals; nil where all are far: more
  /// than a third of the name's length away, and at least two edits.
  public static func find(_ name: String, among candidates: [String]) -> String? {
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
