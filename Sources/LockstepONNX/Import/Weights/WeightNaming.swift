import LockstepEngine

/// Finds the names that weights have in the PyTorch model that a file was exported of.
///
/// Exporters keep the names of some weights alone: they transpose matrices in advance, reorder the gates of
/// recurrent layers, and store equal ones once. What they leave is the module that a node comes from.
struct WeightNaming {
  private let graph: ONNXGraph
  /// The names of the file that PyTorch gave.
  private let known: [String]
  /// For each initializer the nodes that use it.
  private let uses: [String: [Int]]

  init(_ graph: ONNXGraph) {
    self.graph = graph
    known = graph.initializers.map(\.name).filter { !Self.isMade($0) && graph.origins[$0] == nil }
    var uses: [String: [Int]] = [:]
    for (index, node) in graph.nodes.enumerated() {
      for input in node.inputs where !input.isEmpty { uses[input, default: []].append(index) }
    }
    self.uses = uses
  }

  /// Whether an exporter made a name up.
  static func isMade(_ name: String) -> Bool {
    if name.hasPrefix("onnx::") || name.hasPrefix("/") || name.hasSuffix("_output_0") {
      return true
    }
    if name.allSatisfy(\.isNumber) { return true }
    return name.hasPrefix("val_") && name.dropFirst(4).allSatisfy(\.isNumber)
  }

  /// The name of the weight that an initializer holds; nil where the file has lost it.
  func source(_ initializer: String) -> String? {
    guard let origins = graph.origins[initializer] else {
      return Self.isMade(initializer) ? nil : initializer
    }
    let names = origins.filter { $0.contains(".") && !Self.isMade($0) }
    return names.count == 1 ? names[0] : nil
  }

  /// The name of a weight that a node uses.
  ///
  /// - Parameters:
  ///   - initializer: what the file calls it.
  ///   - suffix: what its layer calls it.
  func name(of initializer: String, in node: Int, suffix: String?) -> String {
    let scope = graph.nodes[node].scope
    guard let source = source(initializer) else {
      if suffix == "weight", let sibling = siblingOfBias(node) { return sibling }
      guard let suffix, let scope else { return initializer }
      return joined(fullScope(scope), suffix)
    }
    // Equal weights of several layers may be stored once, under the name of one of them.
    guard let scope, !scope.isEmpty, !source.hasPrefix(scope + "."), !isTable(node),
      let owner = owner(of: source, initializer), !owner.hasPrefix(scope + "."), owner != scope,
      !isCall(scope, of: owner)
    else { return source }
    return joined(scope, String(source.dropFirst(owner.count + 1)))
  }

  /// The module that a node's scope is a further call of, where it uses that module's weight.
  func moduleCalledAgain(by node: Int, using initializer: String) -> String? {
    guard let scope = graph.nodes[node].scope, let source = source(initializer),
      let owner = owner(of: source, initializer), isCall(scope, of: owner)
    else { return nil }
    return owner
  }

  /// Whether a scope is a further call of a module: the older exporter calls those of `b` `b_1`, `b_2`. Where the
  /// file has a weight of that name, it is a module of its own.
  private func isCall(_ scope: String, of module: String) -> Bool {
    guard scope.hasPrefix(module + "_") else { return false }
    let number = scope.dropFirst(module.count + 1)
    return !number.isEmpty && number.allSatisfy(\.isNumber)
      && !known.contains { $0.hasPrefix(scope + ".") }
  }

  /// The module that a weight belongs to, among those that use what the file stores.
  private func owner(of source: String, _ initializer: String) -> String? {
    (uses[initializer] ?? []).lazy.compactMap { graph.nodes[$0].scope }
      .filter { !$0.isEmpty && source.hasPrefix($0 + ".") }.max { $0.count < $1.count }
  }

  private func isTable(_ node: Int) -> Bool { graph.nodes[node].type == "Gather" }

  /// The weight's name by that of the bias that is added to the node's result.
  private func siblingOfBias(_ node: Int) -> String? {
    guard let result = graph.nodes[node].outputs.first, let next = uses[result], next.count == 1,
      graph.nodes[next[0]].type == "Add"
    else { return nil }
    let bias = graph.nodes[next[0]].inputs.first { $0 != result && source($0) != nil }
    guard let bias else { return nil }
    let name = self.name(of: bias, in: next[0], suffix: "bias")
    return name.hasSuffix("bias") ? String(name.dropLast(4)) + "weight" : nil
  }

  /// The whole name of a module of which the older exporter tells the last parts: what is in front of them
  /// in the names of other weights.
  func fullScope(_ scope: String) -> String {
    let parts = scope.split(separator: ".").map(String.init)
    for count in stride(from: parts.count, to: 0, by: -1) {
      let part = parts.prefix(count).joined(separator: ".") + "."
      var prefixes: Set<String> = []
      for name in known {
        if name.hasPrefix(part) { prefixes.insert("") }
        if let range = name.firstRange(of: "." + part) {
          prefixes.insert(name[..<range.lowerBound] + ".")
        }
      }
      if prefixes.contains("") { return scope }
      if prefixes.count == 1, let prefix = prefixes.first { return prefix + scope }
    }
    return scope
  }

  /// Two parts of a dotted name.
  func joined(_ prefix: String, _ name: String) -> String {
    prefix.isEmpty ? name : "\(prefix).\(name)"
  }
}
