import LockstepFiles

/// What all ranks must agree on before the first step: configuration, model, data, libraries.
///
/// Ranks compare hashes; where they differ, all of them end with an error that names the item and
/// the ranks.
package struct Handshake: Sendable {
  private var items: [(name: String, fingerprint: Fingerprint)] = []

  /// Makes a handshake without items.
  package init() {}

  /// Adds an item. Every rank adds the same items in the same order.
  package mutating func add(_ name: String, _ fingerprint: Fingerprint) {
    items.append((name, fingerprint))
  }

  /// Adds an item whose text must be the same on all ranks.
  package mutating func add(_ name: String, _ text: String) {
    items.append((name, Fingerprint(of: text)))
  }

  /// Compares the items of all ranks. Called by all ranks.
  ///
  /// - Throws: ``HandshakeError`` on all ranks.
  package func agree(on collective: any Collective) throws {
    let counts = try collective.allgather(items.count)
    guard Set(counts).count == 1 else {
      throw HandshakeError(
        item: "the program", ranks: counts.indices.filter { counts[$0] != counts[0] })
    }
    for item in items {
      let all = try collective.allgather(item.fingerprint.words)
      let different = all.indices.filter { all[$0] != all[0] }
      if !different.isEmpty { throw HandshakeError(item: item.name, ranks: different) }
    }
  }
}

/// Ranks were started with different things.
package struct HandshakeError: Error, Equatable, CustomStringConvertible {
  /// What differs: "the configuration".
  package let item: String
  /// The ranks where it differs from rank 0's.
  package let ranks: [Int]

  package var description: String {
    let list = ranks.map(String.init).joined(separator: ", ")
    return "\(item) on rank\(ranks.count == 1 ? "" : "s") \(list) differs from rank 0's: all ranks "
      + "must be started with the same program, configuration and data"
  }
}
