import LockstepEngine
import LockstepFiles

/// What can be read out of a traced model by a name.
extension Objective {
  /// The model's outputs, then its layers and the values that it marks, in the order of their calls.
  var readableNames: [String] {
    outputs.names + loss.graph.namedValues.names.filter { outputs.find($0) == nil }
  }

  /// The Float32 tensors of names.
  ///
  /// - Throws: ``ArgumentError`` for a name that there is none of, with the one that was meant.
  func tensors(named names: [String], of call: String) throws(ArgumentError) -> [Tensor] {
    var tensors: [Tensor] = []
    for name in names {
      guard let tensor = outputs.find(name) ?? loss.graph.value(named: name) else {
        let known = readableNames
        let meant = NearestName.find(name, among: known).map { "; did you mean '\($0)'?" } ?? ""
        throw ArgumentError(
          call, "names", is: "'\(name)'",
          expected: "among \(known.map { "'\($0)'" }.joined(separator: ", "))\(meant)")
      }
      guard tensor.type.scalar == .float32 else {
        throw ArgumentError(
          call, "names", is: "'\(name)', which are integers", expected: "the name of numbers")
      }
      tensors.append(tensor)
    }
    return tensors
  }
}

extension [String] {
  /// The strings, each once.
  var uniqued: [String] {
    var seen: Set<String> = []
    return filter { seen.insert($0).inserted }
  }
}
