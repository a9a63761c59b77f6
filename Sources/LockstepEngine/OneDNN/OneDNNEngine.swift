internal import COneDNN

/// A call of oneDNN that failed.
package struct OneDNNError: Error, Sendable, CustomStringConvertible {
  /// The function, and what it was for.
  package let call: String
  /// oneDNN's status code.
  package let status: Int32

  package var description: String {
    let meaning =
      switch status {
      case 1: "out of memory"
      case 2: "invalid arguments"
      case 3: "not implemented for these shapes"
      case 4: "no implementation left"
      case 5: "runtime error"
      default: "failed"
      }
    return "oneDNN \(call): \(meaning) (status \(status))"
  }
}

/// Throws unless a oneDNN call succeeded.
func check(_ call: @autoclosure () -> String, _ status: Int32) throws(OneDNNError) {
  if status != 0 { throw OneDNNError(call: call(), status: status) }
}

/// oneDNN's CPU engine, one for the process.
final class OneDNNEngine: Sendable {
  // The handle is immutable and oneDNN's engines may be used from any thread.
  nonisolated(unsafe) let handle: OpaquePointer

  private init() throws(OneDNNError) {
    // Of several threads the number would be part of the bits.
    guard ComputeLibrary.useSingleThread() else {
      throw OneDNNError(
        call: """
          \(ComputeLibrary.version) cannot be held to one thread a rank: link one whose threads are those of \
          libgomp, or that has none
          """, status: 5)
    }
    var engine: OpaquePointer?
    try check("engine", lockstep_dnnl_engine(&engine))
    handle = engine!
  }

  private static let result = Result { () throws(OneDNNError) in try OneDNNEngine() }

  /// The engine. Throws where the library cannot make one.
  static func shared() throws(OneDNNError) -> OneDNNEngine { try result.get() }
}

/// A queue of primitives that run on the thread that executes them.
final class OneDNNStream {
  let handle: OpaquePointer

  init() throws(OneDNNError) {
    var stream: OpaquePointer?
    try check("stream", lockstep_dnnl_stream(&stream, OneDNNEngine.shared().handle))
    handle = stream!
  }

  deinit { dnnl_stream_destroy(handle) }
}

/// What the compute library is and what it may use.
package enum ComputeLibrary {
  /// oneDNN's version.
  package static var version: String {
    var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
    lockstep_dnnl_version(&major, &minor, &patch)
    return "\(major).\(minor).\(patch)"
  }

  /// Makes primitives of the calling thread run on it alone. Returns false where the library's
  /// threads cannot be controlled.
  @discardableResult
  package static func useSingleThread() -> Bool { lockstep_dnnl_single_thread() != 0 }

  /// The instruction set that primitives are made for, by the library's own number.
  package static var effectiveInstructionSet: Int { Int(lockstep_dnnl_effective_isa()) }

  /// Whether primitives may use the processor's own products of bfloat16 numbers. The question
  /// settles the instruction set.
  package static var hasBFloat16: Bool { lockstep_dnnl_has_bf16() != 0 }

  /// Caps the instruction set of the primitives made afterwards. Works only before the first one.
  ///
  /// - Parameter bfloat16: whether AVX-512 may include products of bfloat16 numbers.
  package static func cap(_ isa: InstructionSet, bfloat16: Bool = false) throws(OneDNNError) {
    let level = Int32(isa.rawValue) + (isa == .avx512 && bfloat16 ? 1 : 0)
    try check("set_max_cpu_isa", lockstep_dnnl_cap_isa(level))
  }
}
