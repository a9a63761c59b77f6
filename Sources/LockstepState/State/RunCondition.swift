import LockstepEngine
import LockstepFiles

/// Something beside the configuration that the bits of a run follow from: the length that a schedule
/// was given, a teacher's weights, the kernels in use.
///
/// Checkpoints hold the conditions of the run that wrote them. A run that goes on from one is held
/// against them: where a condition differs the run is refused, or it goes on with a notice.
package struct RunCondition: Sendable {
  /// What becomes of a run that goes on under another condition.
  package enum Difference: Sendable {
    /// It is refused.
    case refused
    /// It goes on, and rank 0 says so.
    case noticed
  }

  /// The name, unique in a run.
  package let name: String
  /// The value.
  package let value: String
  let difference: Difference
  let explain: @Sendable (_ recorded: String) -> String

  /// Makes a condition.
  ///
  /// - Parameters:
  ///   - name: the name, unique in a run.
  ///   - value: the value that the run has now.
  ///   - difference: what becomes of a run that goes on with another value.
  ///   - explain: says what that means and what to do, given the value in the checkpoint.
  package init(
    _ name: String, _ value: String, otherwise difference: Difference,
    explain: @escaping @Sendable (_ recorded: String) -> String
  ) {
    self.name = name
    self.value = value
    self.difference = difference
    self.explain = explain
  }

  /// The instruction set of our own kernels, oneDNN's version and the one that it uses.
  package static var kernels: RunCondition {
    let current =
      "\(InstructionSet.current.name), oneDNN \(ComputeLibrary.version) with "
      + name(ofLibrarySet: ComputeLibrary.effectiveInstructionSet)
    return RunCondition("kernels", current, otherwise: .noticed) { recorded in
      "the run was started with the kernels \(recorded) and goes on with \(current): its bits may "
        + "not be those of an uninterrupted run (--isa chooses the instruction set)"
    }
  }

  /// The name of one of oneDNN's instruction sets, by the library's own number.
  private static func name(ofLibrarySet number: Int) -> String {
    let names = [
      0x1: "SSE4.1", 0x3: "AVX", 0x7: "AVX2", 0x407: "AVX2-VNNI", 0x27: "AVX-512",
      0x67: "AVX-512 VNNI", 0xe7: "AVX-512 BF16", 0x3e7: "AMX",
    ]
    return names[number] ?? "instruction set \(number)"
  }

  /// The text that a checkpoint keeps.
  static func text(_ conditions: [RunCondition]) -> String {
    var object = JSONObject()
    for condition in conditions { object[condition.name] = .string(condition.value) }
    return JSONValue.object(object).compactText
  }

  /// Holds conditions against those of a checkpoint; one that either side lacks is passed over.
  ///
  /// - Returns: what the user should know.
  /// - Throws: ``CheckpointError/condition(path:reason:)``.
  static func compare(
    _ conditions: [RunCondition], with recorded: JSONValue, path: String
  ) throws(CheckpointError) -> [String] {
    var notices: [String] = []
    let values = recorded.objectValue ?? JSONObject()
    for condition in conditions {
      guard case .string(let value)? = values[condition.name], value != condition.value else {
        continue
      }
      let reason = condition.explain(value)
      switch condition.difference {
      case .refused: throw CheckpointError.condition(path: path, reason: reason)
      case .noticed: notices.append(reason)
      }
    }
    return notices
  }
}
