internal import CProtocolBuffers
import LockstepEngine
import LockstepFiles
import LockstepPlatform

extension ONNXModel {
  /// The version of the format that is written, ONNX 1.14's.
  private static let formatVersion: Int64 = 9

  /// The file's bytes.
  ///
  /// - Throws: `GraphError` where the model is larger than a message of protocol buffers can be.
  package func packed() throws(GraphError) -> [UInt8] {
    let memory = ONNXMemory()
    let message = memory.message(onnx__model_proto__init)
    message.pointee.has_ir_version = 1
    message.pointee.ir_version = Self.formatVersion
    message.pointee.producer_name = memory.text(producer)
    message.pointee.graph = memory.graph(graph)
    let set = memory.message(onnx__operator_set_id_proto__init)
    set.pointee.domain = memory.text("")
    set.pointee.has_version = 1
    set.pointee.version = Int64(operatorSet)
    (message.pointee.opset_import, message.pointee.n_opset_import) = memory.list([set])
    let properties = metadata.map { key, value in
      let entry = memory.message(onnx__string_string_entry_proto__init)
      entry.pointee.key = memory.text(key)
      entry.pointee.value = memory.text(value)
      return entry
    }
    (message.pointee.metadata_props, message.pointee.n_metadata_props) = memory.list(properties)
    let size = onnx__model_proto__get_packed_size(message)
    guard size < Self.largestFile else {
      throw GraphError(
        "the model has \(size) bytes, and an ONNX file at most \(Self.largestFile)")
    }
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = onnx__model_proto__pack(message, buffer.baseAddress)
    }
  }
}

/// The memory of a message that is written, until it is.
private final class ONNXMemory {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit { for block in blocks { block.deallocate() } }

  private func block<Value>(_ type: Value.Type, _ count: Int) -> UnsafeMutablePointer<Value> {
    let block = UnsafeMutablePointer<Value>.allocate(capacity: max(count, 1))
    blocks.append(UnsafeMutableRawPointer(block))
    return block
  }

  func message<Message>(
    _ initialize: (UnsafeMutablePointer<Message>?) -> Void
  ) -> UnsafeMutablePointer<Message> {
    let message = block(Message.self, 1)
    initialize(message)
    return message
  }

  func text(_ text: String) -> UnsafeMutablePointer<CChar> {
    let bytes = Array(text.utf8CString)
    let copy = block(CChar.self, bytes.count)
    copy.initialize(from: bytes, count: bytes.count)
    return copy
  }

  func data(_ text: String) -> ProtobufCBinaryData {
    let bytes = Array(text.utf8)
    let (first, count) = list(bytes)
    return ProtobufCBinaryData(len: count, data: first)
  }

  func list<Value>(_ values: [Value]) -> (UnsafeMutablePointer<Value>, Int) {
    let copy = block(Value.self, values.count)
    copy.initialize(from: values, count: values.count)
    return (copy, values.count)
  }

  func list<Message>(
    _ messages: [UnsafeMutablePointer<Message>]
  ) -> (UnsafeMutablePointer<UnsafeMutablePointer<Message>?>, Int) {
    let (first, count): (UnsafeMutablePointer<UnsafeMutablePointer<Message>?>, Int) =
      list(messages.map { Optional($0) })
    return (first, count)
  }

  private func texts(
    _ texts: [String]
  ) -> (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, Int) {
    list(texts.map { Optional(text($0)) })
  }

  // MARK: Messages

  func graph(_ graph: ONNXGraph) -> UnsafeMutablePointer<Onnx__GraphProto> {
    let message = message(onnx__graph_proto__init)
    message.pointee.name = text("lockstep")
    (message.pointee.node, message.pointee.n_node) = list(graph.nodes.map(node))
    (message.pointee.initializer, message.pointee.n_initializer) = list(
      graph.initializers.map { tensor($0.tensor, name: $0.name) })
    (message.pointee.input, message.pointee.n_input) = list(graph.inputs.map(port))
    (message.pointee.output, message.pointee.n_output) = list(graph.outputs.map(port))
    return message
  }

  private func node(_ node: ONNXNode) -> UnsafeMutablePointer<Onnx__NodeProto> {
    let message = message(onnx__node_proto__init)
    message.pointee.op_type = text(node.type)
    message.pointee.name = text(node.name)
    (message.pointee.input, message.pointee.n_input) = texts(node.inputs)
    (message.pointee.output, message.pointee.n_output) = texts(node.outputs)
    (message.pointee.attribute, message.pointee.n_attribute) = list(node.attributes.map(attribute))
    return message
  }

  private func attribute(
    _ attribute: ONNXAttribute
  ) -> UnsafeMutablePointer<Onnx__AttributeProto> {
    let message = message(onnx__attribute_proto__init)
    message.pointee.name = text(attribute.name)
    message.pointee.has_type = 1
    switch attribute.value {
    case .integer(let value):
      message.pointee.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT
      (message.pointee.has_i, message.pointee.i) = (1, Int64(value))
    case .float(let value):
      message.pointee.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT
      (message.pointee.has_f, message.pointee.f) = (1, value)
    case .string(let value):
      message.pointee.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING
      (message.pointee.has_s, message.pointee.s) = (1, data(value))
    case .integers(let values):
      message.pointee.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS
      (message.pointee.ints, message.pointee.n_ints) = list(values.map(Int64.init))
    case .floats(let values):
      message.pointee.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS
      (message.pointee.floats, message.pointee.n_floats) = list(values)
    case .strings(let values):
      message.pointee.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS
      (message.pointee.strings, message.pointee.n_strings) = list(values.map(data))
    case .tensor(let value):
      message.pointee.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR
      message.pointee.t = tensor(value, name: nil)
    case .graph, .reference, .other: break
    }
    return message
  }

  private func tensor(
    _ tensor: ONNXTensor, name: String?
  ) -> UnsafeMutablePointer<Onnx__TensorProto> {
    let message = message(onnx__tensor_proto__init)
    (message.pointee.dims, message.pointee.n_dims) = list(tensor.shape.map(Int64.init))
    (message.pointee.has_data_type, message.pointee.data_type) = (1, Int32(tensor.scalar.number))
    message.pointee.name = name.map(text)
    message.pointee.has_raw_data = 1
    switch tensor.values {
    case .floats(let values): message.pointee.raw_data = raw(values)
    case .integers(let values):
      switch tensor.scalar {
      case .bool: message.pointee.raw_data = raw(values.map { UInt8($0 == 0 ? 0 : 1) })
      case .int32: message.pointee.raw_data = raw(values.map { Int32(truncatingIfNeeded: $0) })
      default: message.pointee.raw_data = raw(values.map(Int64.init))
      }
    }
    return message
  }

  private func raw<Value: BitwiseCopyable>(_ values: [Value]) -> ProtobufCBinaryData {
    let (first, count) = list(values)
    return ProtobufCBinaryData(
      len: count * MemoryLayout<Value>.stride,
      data: UnsafeMutableRawPointer(first).assumingMemoryBound(to: UInt8.self))
  }

  private func port(_ port: ONNXGraph.Port) -> UnsafeMutablePointer<Onnx__ValueInfoProto> {
    let message = message(onnx__value_info_proto__init)
    message.pointee.name = text(port.name)
    let tensor = tensorType(of: port)
    let type = self.message(onnx__type_proto__init)
    type.pointee.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
    type.pointee.tensor_type = tensor
    message.pointee.type = type
    return message
  }

  private func tensorType(
    of port: ONNXGraph.Port
  ) -> UnsafeMutablePointer<Onnx__TypeProto__Tensor> {
    let tensor = message(onnx__type_proto__tensor__init)
    (tensor.pointee.has_elem_type, tensor.pointee.elem_type) = (
      1, Int32((port.scalar ?? .float32).number)
    )
    guard let sizes = port.shape else { return tensor }
    let shape = message(onnx__tensor_shape_proto__init)
    let dimensions = sizes.map { size in
      let dimension = message(onnx__tensor_shape_proto__dimension__init)
      switch size {
      case .fixed(let number):
        dimension.pointee.value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
        dimension.pointee.dim_value = Int64(number)
      case .free(let name):
        dimension.pointee.value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
        dimension.pointee.dim_param = text(name)
      }
      return dimension
    }
    (shape.pointee.dim, shape.pointee.n_dim) = list(dimensions)
    tensor.pointee.shape = shape
    return tensor
  }
}
