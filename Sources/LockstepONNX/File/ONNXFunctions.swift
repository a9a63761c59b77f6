import LockstepEngine
import LockstepFiles

/// Puts the bodies of functions in the place of the nodes that call them.
struct ONNXFunctions {
  let functions: [ONNXFunction]
  let path: String
  private var calls = 0
  /// How many nodes calls have given so far.
  private var made = 0

  /// How deep functions may call one another; a file that goes deeper calls in a circle.
  private static let depth = 64
  /// The most nodes that calls may stand for.
  private static let mostNodes = 1 << 18

  init(_ functions: [ONNXFunction], path: String) {
    self.functions = functions
    self.path = path
  }

  /// Nodes without calls of functions.
  mutating func inlined(_ nodes: [ONNXNode], depth: Int = 0) throws(FileError) -> [ONNXNode] {
    guard !functions.isEmpty else { return nodes }
    guard depth < Self.depth else {
      throw FileError(
        path: path, kind: .corrupt, reason: "functions call one another in a circle")
    }
    var result: [ONNXNode] = []
    for node in nodes {
      guard
        let function = functions.first(where: { $0.name == node.type && $0.domain == node.domain })
      else {
        result.append(node)
        continue
      }
      made += function.nodes.count
      guard made <= Self.mostNodes else {
        throw FileError(
          path: path, kind: .corrupt,
          reason: "calls of functions stand for more than \(Self.mostNodes) nodes")
      }
      result += try inlined(body(of: function, for: node), depth: depth + 1)
    }
    return result
  }

  /// The nodes of a function for one call: with the call's values and attributes, and names of their own.
  private mutating func body(of function: ONNXFunction, for call: ONNXNode) -> [ONNXNode] {
    calls += 1
    var names: [String: String] = ["": ""]
    for (index, name) in function.inputs.enumerated() {
      names[name] = index < call.inputs.count ? call.inputs[index] : ""
    }
    for (index, name) in function.outputs.enumerated() {
      names[name] = index < call.outputs.count ? call.outputs[index] : ""
    }
    let prefix = "\(call.name.isEmpty ? function.name : call.name)/\(calls)/"
    func renamed(_ name: String) -> String { names[name] ?? prefix + name }
    return function.nodes.map { node in
      var node = node
      node.name = prefix + node.name
      node.scope = node.scope ?? call.scope
      node.inputs = node.inputs.map(renamed)
      node.outputs = node.outputs.map(renamed)
      node.attributes = node.attributes.compactMap { attribute in
        guard case .reference(let name) = attribute.value else { return attribute }
        let given = call[name] ?? function.defaults.first { $0.name == name }?.value
        return given.map { ONNXAttribute(attribute.name, $0) }
      }
      return node
    }
  }
}
