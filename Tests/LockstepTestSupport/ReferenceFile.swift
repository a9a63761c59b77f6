import LockstepEngine
import LockstepFiles

/// A file of reference values that a script under `scripts/reference` wrote with PyTorch in float64:
/// named tensors, and descriptions of the cases in the metadata.
package struct ReferenceFile {
  private let file: SafetensorsFile
  /// What the script says about each case.
  package let descriptions: [JSONObject]

  /// Opens `path`, relative to the directory `Tests`.
  package init(_ path: String) throws {
    // #filePath is Tests/LockstepTestSupport/ReferenceFile.swift.
    let tests = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
    file = try SafetensorsFile("/\(tests)/\(path)")
    guard case .array(let cases)? = try file.metadata["cases"].map({ try JSONValue.parse($0) })
    else { throw GraphError("\(path) describes no cases") }
    descriptions = cases.compactMap { if case .object(let object) = $0 { object } else { nil } }
  }

  /// The tensor of a name, or nil where the file has none.
  package func find(_ name: String) throws -> HostTensor? {
    guard let entry = file.tensor(name) else { return nil }
    var values = Array(repeating: 0.0, count: entry.count)
    try values.withUnsafeMutableBufferPointer { try file.read(name, into: $0) }
    return HostTensor(entry.shape, values)
  }

  /// The tensor of a name.
  package func tensor(_ name: String) throws -> HostTensor {
    guard let tensor = try find(name) else { throw GraphError("no tensor '\(name)'") }
    return tensor
  }

  /// The names of all tensors that begin with a prefix, in the file's order.
  package func names(withPrefix prefix: String) -> [String] {
    file.tensors.map(\.name).filter { $0.hasPrefix(prefix) }
  }
}

extension JSONObject {
  package func integer(_ key: String) -> Int? {
    switch self[key] {
    case .integer(let value): value
    // Numbers of more than 53 bits travel as texts.
    case .string(let text): Int(text) ?? UInt64(text).map { Int(bitPattern: UInt($0)) }
    default: nil
    }
  }
  package func float(_ key: String) -> Float? {
    switch self[key] {
    case .integer(let value): Float(value)
    case .number(let value): Float(value)
    default: nil
    }
  }
  package func text(_ key: String) -> String? {
    if case .string(let value) = self[key] { value } else { nil }
  }
  package func flag(_ key: String) -> Bool { self[key] == .bool(true) }
  package func integers(_ key: String) -> [Int]? {
    guard case .array(let values) = self[key] else { return nil }
    return values.compactMap { if case .integer(let value) = $0 { value } else { nil } }
  }
  package func texts(_ key: String) -> [String]? {
    guard case .array(let values) = self[key] else { return nil }
    return values.compactMap { if case .string(let value) = $0 { value } else { nil } }
  }
}

/// How far two tensors of one shape are apart: max |a − e| / max |e|, or the absolute difference
/// where everything expected is zero. Infinite where shapes differ or a value is not a number.
package func deviation(_ actual: HostTensor, from expected: HostTensor) -> Double {
  guard actual.shape == expected.shape else { return .infinity }
  let scale = expected.values.reduce(0) { max($0, abs($1)) }
  var worst = 0.0
  for (a, e) in zip(actual.values, expected.values) where a != e {
    let difference = abs(a - e)
    guard difference.isFinite else { return .infinity }
    worst = max(worst, difference)
  }
  return scale > 0 ? worst / scale : worst
}
