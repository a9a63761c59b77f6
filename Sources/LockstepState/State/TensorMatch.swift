import LockstepEngine
import LockstepFiles

/// Holds a file's tensors against those that are wanted.
struct TensorMatch {
  private let path: String
  private let names: [String]
  private let found: [String: TensorEntry]
  private let wanted: [StateRegistry.Tensor]

  /// - Parameter found: the file's tensors and the names by which they are looked for.
  init(
    _ path: String, _ found: [(name: String, entry: TensorEntry)], _ wanted: [StateRegistry.Tensor]
  ) {
    self.path = path
    names = found.map(\.name)
    self.found = Dictionary(found.map { ($0.name, $0.entry) }) { first, _ in first }
    self.wanted = wanted
  }

  /// Throws a `FileError` that names every tensor that is missing, unexpected, or of another shape
  /// or type, up to a few of each.
  package func check(anyFloat: Bool) throws(FileError) {
    var problems: [String] = []
    let missing = wanted.map(\.name).filter { found[$0] == nil }
    let known = Set(wanted.map(\.name))
    // What cannot be read is nobody's weight.
    let unexpected = names.filter { !known.contains($0) && found[$0]?.element != nil }
    if !missing.isEmpty { problems.append("it lacks \(Self.list(missing))") }
    if !unexpected.isEmpty { problems.append("it has \(Self.list(unexpected)) besides") }
    let different = wanted.compactMap { tensor -> String? in
      guard let found = found[tensor.name] else { return nil }
      if found.shape != tensor.shape {
        return "\(tensor.name) is \(found.shape), not \(tensor.shape)"
      }
      let fits =
        found.element == tensor.element
        || anyFloat && tensor.element == .float32 && found.element?.isFloatingPoint == true
      return fits
        ? nil : "\(tensor.name) is \(found.type), not \(tensor.element.rawValue)"
    }
    if !different.isEmpty { problems.append(Self.list(different)) }
    guard problems.isEmpty else {
      throw FileError(
        path: path, kind: .mismatch,
        reason: "does not fit the model: " + problems.joined(separator: "; "))
    }
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(4).joined(separator: ", ")
      + (names.count > 4 ? " and \(names.count - 4) more" : "")
  }
}

extension StateRegistry.Tensor {
  /// Fills the tensor in place; Float32 from any floating-point type.
  func read(from file: SafetensorsFile) throws(FileError) {
    try read(name, from: file)
  }
}
