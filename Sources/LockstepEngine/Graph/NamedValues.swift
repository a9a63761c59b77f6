/// The values of a trace that can be read out by a name: what layers return, and what a model marks. Each
/// is the number of a value in its graph.
package struct NamedValues {
  /// The names, in the order in which the trace met them first.
  package private(set) var names: [String] = []
  private var values: [String: Int] = [:]
  private var marks: Set<String> = []

  /// Notes what a layer returns. Of a layer that is called several times the last call counts.
  ///
  /// - Returns: what is wrong, if anything.
  mutating func note(layer name: String, _ value: Int) -> String? {
    if marks.contains(name) { return Self.clash(name) }
    if values.updateValue(value, forKey: name) == nil { names.append(name) }
    return nil
  }

  /// Notes a value that the model marks. A mark has a name of its own.
  mutating func note(mark name: String, _ value: Int) -> String? {
    if name.isEmpty { return "named: a value is marked without a name" }
    if values[name] != nil { return Self.clash(name) }
    marks.insert(name)
    values[name] = value
    names.append(name)
    return nil
  }

  func value(_ name: String) -> Int? { values[name] }

  private static func clash(_ name: String) -> String {
    "named: two values are called '\(name)'; layers and marks have names of their own"
  }
}
