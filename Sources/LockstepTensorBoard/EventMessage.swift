internal import CProtocolBuffers
import LockstepPlatform

extension Event {
  /// The event as a protocol buffer: an `Event` of TensorBoard.
  package var message: [UInt8] {
    let pool = MessagePool()
    var event = Tensorboard__Event()
    tensorboard__event__init(&event)
    event.has_wall_time = 1
    event.wall_time = time
    if step != 0 {
      event.has_step = 1
      event.step = Int64(step)
    }
    switch content {
    case .version:
      event.what_case = TENSORBOARD__EVENT__WHAT_FILE_VERSION
      event.file_version = pool.text("brain.Event:2")
    case .start:
      event.what_case = TENSORBOARD__EVENT__WHAT_SESSION_LOG
      event.session_log = pool.message(tensorboard__session_log__init) { log in
        log.has_status = 1
        log.status = TENSORBOARD__SESSION_LOG__SESSION_STATUS__START
      }
    case .values(let values):
      event.what_case = TENSORBOARD__EVENT__WHAT_SUMMARY
      event.summary = pool.message(tensorboard__summary__init) { summary in
        summary.n_value = values.count
        summary.value = pool.array(values.map { pool.value($0.tag, $0.value) })
      }
    }
    return withExtendedLifetime(pool) {
      var bytes = [UInt8](repeating: 0, count: tensorboard__event__get_packed_size(&event))
      let count = tensorboard__event__pack(&event, &bytes)
      precondition(count == bytes.count, "protobuf-c packed \(count) bytes of \(bytes.count)")
      return bytes
    }
  }
}

/// The parts of one message, which live as long as the pool does.
private final class MessagePool {
  private var parts: [UnsafeMutableRawPointer] = []

  deinit { for part in parts { part.deallocate() } }

  /// Memory of a part.
  private func place<Part>(_ count: Int, of type: Part.Type) -> UnsafeMutablePointer<Part> {
    let place = UnsafeMutablePointer<Part>.allocate(capacity: max(count, 1))
    parts.append(UnsafeMutableRawPointer(place))
    return place
  }

  /// A message with its fields.
  func message<Message>(
    _ initialize: (UnsafeMutablePointer<Message>?) -> Void, _ fill: (inout Message) -> Void
  ) -> UnsafeMutablePointer<Message> {
    let message = place(1, of: Message.self)
    initialize(message)
    fill(&message.pointee)
    return message
  }

  /// Elements of trivial types one behind the other.
  func array<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
    let place = place(elements.count, of: Element.self)
    place.initialize(from: elements, count: elements.count)
    return place
  }

  /// A text with a zero behind it; one inside of it would end it.
  func text(_ text: String) -> UnsafeMutablePointer<CChar> {
    array(text.utf8.filter { $0 != 0 }.map { CChar(bitPattern: $0) } + [0])
  }

  private func data(_ bytes: [UInt8]) -> ProtobufCBinaryData {
    ProtobufCBinaryData(len: bytes.count, data: array(bytes))
  }

  func value(
    _ tag: String, _ value: Event.Value
  ) -> UnsafeMutablePointer<Tensorboard__Summary__Value>? {
    message(tensorboard__summary__value__init) { message in
      message.tag = text(tag)
      switch value {
      case .scalar(let number):
        message.value_case = TENSORBOARD__SUMMARY__VALUE__VALUE_SIMPLE_VALUE
        message.simple_value = number
      case .histogram(let histogram):
        message.value_case = TENSORBOARD__SUMMARY__VALUE__VALUE_HISTO
        message.histo = self.histogram(histogram)
      case .text(let text):
        message.value_case = TENSORBOARD__SUMMARY__VALUE__VALUE_TENSOR
        message.tensor = tensor(text)
        message.metadata = textMetadata
      case .image(let png, let width, let height, let channels):
        message.value_case = TENSORBOARD__SUMMARY__VALUE__VALUE_IMAGE
        message.image = image(png, width, height, channels)
      }
    }
  }

  private func histogram(
    _ histogram: ValueHistogram
  ) -> UnsafeMutablePointer<Tensorboard__HistogramProto> {
    let buckets = histogram.buckets
    return message(tensorboard__histogram_proto__init) { message in
      (message.has_min, message.min) = (1, histogram.count == 0 ? 0 : histogram.least)
      (message.has_max, message.max) = (1, histogram.count == 0 ? 0 : histogram.largest)
      (message.has_num, message.num) = (1, Double(histogram.count))
      (message.has_sum, message.sum) = (1, histogram.sum)
      (message.has_sum_squares, message.sum_squares) = (1, histogram.squares)
      message.n_bucket_limit = buckets.count
      message.bucket_limit = array(buckets.map(\.limit))
      message.n_bucket = buckets.count
      message.bucket = array(buckets.map { Double($0.count) })
    }
  }

  /// A single string.
  private func tensor(_ text: String) -> UnsafeMutablePointer<Tensorboard__TensorProto> {
    message(tensorboard__tensor_proto__init) { message in
      message.has_dtype = 1
      message.dtype = TENSORBOARD__DATA_TYPE__DT_STRING
      message.tensor_shape = self.message(tensorboard__tensor_shape_proto__init) { _ in }
      message.n_string_val = 1
      message.string_val = array([data(Array(text.utf8))])
    }
  }

  private var textMetadata: UnsafeMutablePointer<Tensorboard__SummaryMetadata> {
    message(tensorboard__summary_metadata__init) { metadata in
      metadata.has_data_class = 1
      metadata.data_class = TENSORBOARD__DATA_CLASS__DATA_CLASS_TENSOR
      metadata.plugin_data = message(tensorboard__summary_metadata__plugin_data__init) { plugin in
        plugin.plugin_name = text("text")
      }
    }
  }

  private func image(
    _ png: [UInt8], _ width: Int, _ height: Int, _ channels: Int
  ) -> UnsafeMutablePointer<Tensorboard__Summary__Image> {
    message(tensorboard__summary__image__init) { image in
      (image.has_width, image.width) = (1, Int32(width))
      (image.has_height, image.height) = (1, Int32(height))
      (image.has_colorspace, image.colorspace) = (1, Int32(channels))
      image.has_encoded_image_string = 1
      image.encoded_image_string = data(png)
    }
  }
}
