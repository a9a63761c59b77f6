import LockstepFiles

/// Where the time of a run's steps went, a rank at a time: `profile.json`, which `train --profile`
/// leaves in the run directory.
package struct BreakdownRecord: Sendable, Equatable {
  /// One activity.
  package struct Part: Sendable, Equatable {
    /// What the first threads did.
    package let name: String
    /// Whether they waited.
    package let isWaiting: Bool
    /// The milliseconds a step, a rank each.
    package let milliseconds: [Double]

    /// A part with these times.
    package init(name: String, isWaiting: Bool, milliseconds: [Double]) {
      self.name = name
      self.isWaiting = isWaiting
      self.milliseconds = milliseconds
    }
  }

  /// The first and the last step that were recorded.
  package let steps: ClosedRange<Int>
  /// The activities, in their own order.
  package let parts: [Part]

  /// The number of ranks.
  package var ranks: Int { parts.first?.milliseconds.count ?? 0 }

  /// The name of the file in a run directory.
  package static let name = "profile.json"

  /// A record of these parts.
  package init(steps: ClosedRange<Int>, parts: [Part]) {
    self.steps = steps
    self.parts = parts
  }

  /// The file's content.
  package var json: JSONValue {
    [
      "firstStep": .integer(steps.lowerBound), "lastStep": .integer(steps.upperBound),
      "millisecondsAStep": .array(
        parts.map { part in
          [
            "activity": .string(part.name), "waiting": .bool(part.isWaiting),
            "ranks": .array(part.milliseconds.map { .number($0) }),
          ]
        }),
    ]
  }

  /// Reads the file of a run directory; nil where there is none.
  ///
  /// - Throws: `FileError` where it is damaged.
  package init?(directory: String) throws(FileError) {
    let path = "\(directory)/\(Self.name)"
    guard let json = try JSONValue.file(path) else { return nil }
    guard let first = json["firstStep"]?.integerValue, let last = json["lastStep"]?.integerValue,
      first <= last, let list = json["millisecondsAStep"]?.arrayValue
    else { throw .notARecord(path, of: "a profile") }
    let parts = list.compactMap { json -> Part? in
      guard let name = json["activity"]?.stringValue, let ranks = json["ranks"]?.arrayValue else {
        return nil
      }
      return Part(
        name: name, isWaiting: json["waiting"]?.boolValue ?? false,
        milliseconds: ranks.compactMap(\.number))
    }
    guard parts.count == list.count, Set(parts.map(\.milliseconds.count)).count <= 1 else {
      throw .notARecord(path, of: "a profile")
    }
    self.init(steps: first...last, parts: parts)
  }
}
