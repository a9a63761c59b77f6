internal import CProtocolBuffers
import LockstepEngine
import LockstepFiles

extension ONNXModel {
  /// The largest file that is read: a message of protocol buffers is not larger.
  package static let largestFile = 1 << 31

  /// Reads a file, and the files beside it that hold its weights, if there are any.
  ///
  /// - Throws: `FileError` where it cannot be read, or is no ONNX file.
  package init(reading path: String) throws(FileError) {
    let bytes = try FileInput.contents(of: path, limit: Self.largestFile)
    let message = bytes.withUnsafeBufferPointer {
      onnx__model_proto__unpack(nil, $0.count, $0.baseAddress)
    }
    guard let message else {
      throw FileError(
        path: path, kind: .corrupt,
        reason: "is no ONNX file, or a damaged one: it is no message of protocol buffers")
    }
    defer { onnx__model_proto__free_unpacked(message, nil) }
    guard let graph = message.pointee.graph else {
      throw FileError(path: path, kind: .corrupt, reason: "is no ONNX file: it holds no graph")
    }
    var reader = ONNXReader(path: path)
    try self.init(message.pointee, graph.pointee, &reader)
    externalFiles = reader.externalFiles
    fingerprint = .tree([(name: "file", fingerprint: Fingerprint(of: bytes))] + reader.fingerprints)
  }

  private init(
    _ message: Onnx__ModelProto, _ graph: Onnx__GraphProto, _ reader: inout ONNXReader
  ) throws(FileError) {
    var functions: [ONNXFunction] = []
    for function in reader.items(message.functions, message.n_functions) {
      functions.append(try reader.function(function))
    }
    var inlining = ONNXFunctions(functions, path: reader.path)
    var read = try reader.graph(graph)
    read.nodes = try inlining.inlined(read.nodes)
    let sets = reader.items(message.opset_import, message.n_opset_import)
    let own = sets.first { ["", "ai.onnx"].contains(reader.text($0.domain)) }
    guard let version = own?.version ?? (sets.isEmpty ? 1 : nil) else {
      throw FileError(
        path: reader.path, kind: .mismatch,
        reason: "does not say which version of ONNX's operators it is written with")
    }
    let properties = reader.items(message.metadata_props, message.n_metadata_props)
    self.init(
      graph: read, operatorSet: Int(version), producer: reader.text(message.producer_name),
      metadata: properties.map { (reader.text($0.key), reader.text($0.value)) })
  }
}

/// Makes values of the messages of a file.
struct ONNXReader {
  let path: String
  /// The files beside it that were opened.
  private var files: [String: FileInput] = [:]
  /// Their places from the file's folder, in the order in which they were met.
  private(set) var externalFiles: [String] = []
  /// The hashes of what was read from them.
  private(set) var fingerprints: [(name: String, fingerprint: Fingerprint)] = []

  init(path: String) { self.path = path }

  /// The messages of a repeated field.
  func items<Message>(
    _ first: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, _ count: Int
  ) -> [Message] {
    UnsafeBufferPointer(start: first, count: count).compactMap { $0?.pointee }
  }

  func text(_ text: UnsafePointer<CChar>?) -> String { text.map { String(cString: $0) } ?? "" }

  private func texts(
    _ first: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int
  ) -> [String] {
    UnsafeBufferPointer(start: first, count: count).map { text($0) }
  }

  func text(_ bytes: ProtobufCBinaryData) -> String {
    String(decoding: UnsafeBufferPointer(start: bytes.data, count: bytes.len), as: UTF8.self)
  }

  private func corrupt(_ reason: String) -> FileError {
    FileError(path: path, kind: .corrupt, reason: reason)
  }

  // MARK: Graphs

  mutating func graph(_ message: Onnx__GraphProto) throws(FileError) -> ONNXGraph {
    guard message.n_sparse_initializer == 0 else {
      throw FileError(
        path: path, kind: .mismatch,
        reason: "holds sparse weights, which are not read; export the model with dense ones")
    }
    var graph = ONNXGraph()
    for initializer in items(message.initializer, message.n_initializer) {
      let name = text(initializer.name)
      graph.initializers.append(.init(name, try tensor(initializer, "the weight '\(name)'")))
    }
    for node in items(message.node, message.n_node) { graph.nodes.append(try self.node(node)) }
    graph.inputs = items(message.input, message.n_input).map(port)
    graph.outputs = items(message.output, message.n_output).map(port)
    for value in items(message.value_info, message.n_value_info) {
      let origin = property("pkg.onnxscript.optimizer.folded_from", of: value)
      if let origin { graph.origins[text(value.name)] = ExportedNames.list(origin) }
    }
    return graph
  }

  /// A graph within an attribute.
  mutating func graph(packed bytes: [UInt8]) throws(FileError) -> ONNXGraph {
    let message = bytes.withUnsafeBufferPointer {
      onnx__graph_proto__unpack(nil, $0.count, $0.baseAddress)
    }
    guard let message else { throw corrupt("a graph within a node is damaged") }
    defer { onnx__graph_proto__free_unpacked(message, nil) }
    return try graph(message.pointee)
  }

  private func property(_ key: String, of value: Onnx__ValueInfoProto) -> String? {
    items(value.metadata_props, value.n_metadata_props).first { text($0.key) == key }
      .map { text($0.value) }
  }

  /// Operators that make something of nothing.
  private static let typesWithoutInputs: Set<String> = [
    "Constant", "Optional", "RandomNormal", "RandomUniform", "SequenceEmpty",
  ]

  mutating func node(_ message: Onnx__NodeProto) throws(FileError) -> ONNXNode {
    var node = ONNXNode(
      text(message.op_type), name: text(message.name),
      inputs: texts(message.input, message.n_input),
      outputs: texts(message.output, message.n_output))
    guard !node.outputs.isEmpty else {
      throw corrupt("the node '\(node.name)' (\(node.type)) has no result")
    }
    guard !node.inputs.isEmpty || Self.typesWithoutInputs.contains(node.type) else {
      throw corrupt("the node '\(node.name)' (\(node.type)) has no input")
    }
    let domain = text(message.domain)
    node.domain = domain == "ai.onnx" ? "" : domain
    for attribute in items(message.attribute, message.n_attribute) {
      node.attributes.append(try self.attribute(attribute, of: node))
    }
    let properties = items(message.metadata_props, message.n_metadata_props)
    let scopes = properties.first { text($0.key) == "pkg.torch.onnx.name_scopes" }
    if let scopes {
      // The modules around it, and last the node itself.
      node.scope = ExportedNames.list(text(scopes.value)).dropLast().last ?? ""
    } else if node.name.hasPrefix("/") {
      // The older exporter: modules, and the operator.
      node.scope = ExportedNames.module(
        node.name.dropFirst().split(separator: "/").dropLast().map(String.init))
    }
    return node
  }

  private mutating func attribute(
    _ message: Onnx__AttributeProto, of node: ONNXNode
  ) throws(FileError) -> ONNXAttribute {
    ONNXAttribute(text(message.name), try value(of: message, node))
  }

  private mutating func value(
    of message: Onnx__AttributeProto, _ node: ONNXNode
  ) throws(FileError) -> ONNXAttribute.Value {
    if let reference = message.ref_attr_name, reference.pointee != 0 {
      return .reference(text(reference))
    }
    switch message.type {
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT: return .float(message.f)
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT: return .integer(Int(message.i))
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING: return .string(text(message.s))
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR:
      guard let tensor = message.t?.pointee else { throw corrupt("a tensor is missing") }
      return .tensor(try self.tensor(tensor, "a constant of the node '\(node.name)'"))
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH:
      return .graph(Array(UnsafeBufferPointer(start: message.g.data, count: message.g.len)))
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS:
      return .floats(Array(UnsafeBufferPointer(start: message.floats, count: message.n_floats)))
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS:
      return .integers(
        UnsafeBufferPointer(start: message.ints, count: message.n_ints).map(Int.init))
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS:
      return .strings(
        UnsafeBufferPointer(start: message.strings, count: message.n_strings).map(text))
    default: return .other
    }
  }

  mutating func function(_ message: Onnx__FunctionProto) throws(FileError) -> ONNXFunction {
    var nodes: [ONNXNode] = []
    for node in items(message.node, message.n_node) { nodes.append(try self.node(node)) }
    let caller = ONNXNode(text(message.name), name: text(message.name), inputs: [], outputs: [])
    var defaults: [ONNXAttribute] = []
    for attribute in items(message.attribute_proto, message.n_attribute_proto) {
      defaults.append(try self.attribute(attribute, of: caller))
    }
    let domain = text(message.domain)
    return ONNXFunction(
      domain: domain == "ai.onnx" ? "" : domain, name: text(message.name),
      inputs: texts(message.input, message.n_input),
      outputs: texts(message.output, message.n_output), defaults: defaults, nodes: nodes)
  }

  private func port(_ message: Onnx__ValueInfoProto) -> ONNXGraph.Port {
    guard let type = message.type?.pointee,
      type.value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE,
      let tensor = type.tensor_type?.pointee
    else { return .init(text(message.name), nil, nil) }
    let shape = tensor.shape.map { shape in
      items(shape.pointee.dim, shape.pointee.n_dim).map { dimension -> ONNXGraph.Dimension in
        switch dimension.value_case {
        case ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE where dimension.dim_value > 0:
          .fixed(Int(dimension.dim_value))
        case ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM:
          .free(text(dimension.dim_param))
        default: .free("")
        }
      }
    }
    return .init(text(message.name), ONNXElements.kind(tensor.elem_type), shape)
  }

  // MARK: Tensors

  /// The values of a tensor, also of one that lies in a file beside.
  mutating func tensor(
    _ message: Onnx__TensorProto, _ what: String
  ) throws(FileError) -> ONNXTensor {
    let shape = UnsafeBufferPointer(start: message.dims, count: message.n_dims).map(Int.init)
    let count = TensorType(shape).count
    guard shape.allSatisfy({ $0 >= 0 }), count <= TensorType.largestCount else {
      throw corrupt("\(what) has the shape \(shape)")
    }
    guard let elements = ONNXElements(message.data_type) else {
      throw FileError(
        path: path, kind: .mismatch,
        reason:
          "\(what) has values of the type \(message.data_type), which are not read; export the model "
          + "in single precision (model.float())")
    }
    if message.data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL {
      let bytes = try external(message, count * elements.byteCount, what)
      return bytes.withUnsafeBytes { elements.tensor(shape, raw: $0) }
    }
    if message.has_raw_data != 0 {
      let raw = UnsafeRawBufferPointer(start: message.raw_data.data, count: message.raw_data.len)
      guard raw.count == count * elements.byteCount else {
        throw corrupt(
          "\(what) of shape \(shape) has \(raw.count) bytes, not \(count * elements.byteCount)")
      }
      return elements.tensor(shape, raw: raw)
    }
    let tensor = elements.tensor(shape, fields: message)
    guard tensor.storedCount == count else {
      throw corrupt("\(what) of shape \(shape) has \(tensor.storedCount) values, not \(count)")
    }
    return tensor
  }

  /// The bytes of a tensor that lie in another file of the folder.
  private mutating func external(
    _ message: Onnx__TensorProto, _ count: Int, _ what: String
  ) throws(FileError) -> [UInt8] {
    let entries = items(message.external_data, message.n_external_data)
    func entry(_ key: String) -> String? {
      entries.first { text($0.key) == key }.map { text($0.value) }
    }
    guard let location = entry("location"), !location.hasPrefix("/"),
      !location.split(separator: "/").contains("..")
    else {
      throw corrupt("\(what) does not lie in a file of the folder")
    }
    let place = AbsolutePath.of(location, in: AbsolutePath.folder(of: path))
    let file: FileInput
    if let known = files[place] {
      file = known
    } else {
      do throws(FileError) {
        file = try FileInput(place)
      } catch {
        throw FileError(
          path: path, kind: error.kind,
          reason: "\(what) lies in the file '\(location)' beside it: \(error.reason)")
      }
      files[place] = file
      externalFiles.append(location)
    }
    let offset = entry("offset").flatMap { Int($0) } ?? 0
    guard (entry("length").flatMap { Int($0) } ?? count) == count, offset >= 0,
      offset <= file.size, count <= file.size - offset
    else {
      throw corrupt(
        "\(what) has \(count) bytes from \(offset) on in '\(location)', which has \(file.size)")
    }
    let bytes = try file.bytes(offset..<offset + count)
    fingerprints.append((name: what, fingerprint: Fingerprint(of: bytes)))
    return bytes
  }
}

extension ONNXTensor {
  /// How many values there are, whatever the shape says.
  fileprivate var storedCount: Int {
    switch values {
    case .floats(let values): values.count
    case .integers(let values): values.count
    }
  }
}
