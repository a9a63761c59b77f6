import LockstepFiles

/// Where two configurations differ.
package enum ConfigurationDifference {
  /// The dotted keys whose values differ, in the order of the first configuration, then those that
  /// only the second has.
  ///
  /// - Parameters:
  ///   - ignored: keys that may differ, with everything below them.
  ///   - absent: keys that may be absent, or null, on one side.
  package static func keys(
    _ first: JSONValue, _ second: JSONValue, ignoring ignored: Set<String> = [],
    absent: Set<String> = []
  ) -> [String] {
    var keys: [String] = []
    collect(first, second, "", ignored, absent, into: &keys)
    return keys
  }

  private static func collect(
    _ first: JSONValue?, _ second: JSONValue?, _ path: String, _ ignored: Set<String>,
    _ absent: Set<String>, into keys: inout [String]
  ) {
    // A key that is absent and one that is null mean the same.
    if first ?? .null == second ?? .null || ignored.contains(path) { return }
    // So does a key that an older program did not have, where it says nothing.
    if first == nil && second?.saysNothing == true || second == nil && first?.saysNothing == true {
      return
    }
    if absent.contains(path), first ?? .null == .null || second ?? .null == .null { return }
    guard case .object(let one)? = first, case .object(let other)? = second else {
      keys.append(path.isEmpty ? "(everything)" : path)
      return
    }
    for key in one.keys + other.keys.filter({ one[$0] == nil }) {
      collect(
        one[key], other[key], path.isEmpty ? key : "\(path).\(key)", ignored, absent, into: &keys)
    }
  }
}

extension JSONValue {
  /// Whether it is false, or empty.
  fileprivate var saysNothing: Bool { self == .bool(false) || self == [] || self == [:] }
}
