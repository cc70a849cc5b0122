"""The old system's error catalogue: classes with their HTTP status, and the sentence of each detail code.

Old clients compare codes and print sentences, so these are theirs word for word (Microsoft's "REST API error codes" of
Machine Learning Studio, CC BY 4.0). A code can stand in two classes; its sentence then differs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """One class of errors.

    Attributes:
        code: `error.code` of the body.
        status: of HTTP.
        message: `error.message` of the body.
        sentences: by detail code, with `{0}` and `{1}` where words are put in; "" where the old system had none.
    """

    code: str
    status: int
    message: str
    sentences: Mapping[str, str] = field(default_factory=dict)


BAD_ARGUMENT = ErrorClass(
    "BadArgument",
    400,
    "Invalid argument provided.",
    {
        "BadParameterValue": "The parameter value supplied does not satisfy the parameter rule on the parameter",
        "BadSubscriptionId": "The subscription Id that is used to score is not the one present in the resource",
        "BadVersionCall": "Invalid version parameter was passed during the API call: {0}. Check the API help page for "
        "passing the correct version and try again.",
        "BatchJobInputsNotSpecified": "The following required input(s) were not specified with the request: {0}. "
        "Please ensure all input data is specified and try again.",
        "BatchJobInputsTooManySpecified": "The request specified more inputs than defined in the service. List of "
        "accepted input(s): {0}. Please ensure all input data is specified correctly and try again.",
        "BlobNameTooLong": "Azure blob storage path provided for diagnostic output is too long: {0}. Shorten the path "
        "and try again.",
        "BlobNotFound": "Unable to access the provided Azure blob - {0}.  Azure error message: {1}.",
        "ContainerIsEmpty": "No Azure storage container name was provided. Provide a valid container name and try "
        "again.",
        "ContainerSegmentInvalid": "Invalid container name. Provide a valid container name and try again.",
        "DuplicateInputInBatchCall": "The batch request is invalid. Cannot specify both single and multiple input at "
        "the same time. Remove one of these items from the request and try again.",
        "InputBlobRelativeLocationInvalid": "No Azure storage blob name provided. Provide a valid blob name and try "
        "again.",
        "InvalidBlob": "Invalid blob specification for blob: {0}. Verify that connection string / relative path or SAS "
        "token specification is correct and try again.",
        "InvalidBlobConnectionString": "The connection string specified for one of the input/output blobs in invalid: "
        "{0}. Please correct this and try again.",
        "InvalidBlobExtension": "The blob reference: {0} has an invalid or missing file extension. Supported file "
        'extensions for this output type are: "{1}".',
        "InvalidInputNames": "Invalid service input name(s) specified in the request: {0}. Please map the input data "
        "to the correct service inputs and try again.",
        "InvalidOutputOverrideName": "Invalid output override name: {0}. The service does not have an output node with "
        "this name. Please pass in a correct output node name to override (case sensitivity applies).",
        "InvalidQueryParameter": "Invalid query parameter '{0}'. {1}",
        "MissingInputBlobInformation": "Missing Azure storage blob information. Provide a valid connection string and "
        "relative path or URI and try again.",
        "MissingJobId": "No job Id provided. A job Id is returned when a job was submitted for the first time. Verify "
        "the job Id is correct and try again.",
        "MissingOutputOverrideSpecification": "The request is missing the blob specification for output override {0}. "
        "Please specify a valid blob location with the request, or remove the output specification if no location "
        "override is desired.",
        "MissingRequestInput": "The web service expects an input, but no input was provided. Ensure valid inputs are "
        "provided based on the published input ports in the model and try again.",
        "MissingRequiredGlobalParameters": "Not all required web service parameter(s) provided. Verify the "
        "parameter(s) expected for the module(s) are correct and try again.",
        "RequestBodyInvalid": "No request body provided or error in deserializing the request body.",
        "RequestIsEmpty": "No request provided. Provide a valid request and try again.",
        "UnexpectedParameter": "Unexpected parameters provided. Verify all parameter names are spelled correctly, only "
        "expected parameters are passed, and try again.",
        "UnknownError": "Unknown error.",
    },
)
BAD_USER_ARGUMENT = ErrorClass(
    "BadUserArgument",
    400,
    "Invalid user argument provided.",
    {
        "InputMismatchError": "Input data does not match input port schema.",
        "InputParseError": "Parsing of input vector failed.  Verify the input vector has the correct number of columns "
        "and data types.  Additional details: {0}.",
        "MissingRequiredGlobalParameters": "Parameter(s) expected by the web service are missing. Verify all the "
        "required parameters expected by the web service are correct and try again.",
        "UnexpectedParameter": "Verify only the required parameters expected by the web service are passed and try "
        "again.",
        "UserParameterInvalid": "{0}",
    },
)
INVALID_OPERATION = ErrorClass(
    "InvalidOperation",
    400,
    "The request is invalid in the current context.",
    {
        "CannotStartJob": "The job cannot be started because it is in {0} state.",
        "IncompatibleModel": "The model is incompatible with the request version. The request version only supports "
        "single datatable output models.",
        "MultipleInputsNotAllowed": "The model does not allow multiple inputs.",
    },
)
LIBRARY_EXECUTION_ERROR = ErrorClass(
    "LibraryExecutionError", 400, "Module execution encountered an internal library error."
)
MODULE_EXECUTION_ERROR = ErrorClass("ModuleExecutionError", 400, "Module execution encountered an error.")
UNAUTHORIZED = ErrorClass(
    "Unauthorized",
    401,
    "Request is unauthorized to access resource.",
    {
        "AdminRequestUnauthorized": "Unauthorized",
        "ManagementRequestUnauthorized": "Unauthorized",
        "ScoreRequestUnauthorized": "Invalid credentials provided.",
    },
)
NOT_FOUND = ErrorClass(
    "NotFound",
    404,
    "Resource not found.",
    {
        "WebServiceIdNotFoundInWorkspace": "Web service under this workspace not found. There is a mismatch between "
        "the webServiceId and the workspaceId. Verify the web service provided is part of the workspace and try again.",
        "WebServiceNotFound": "Web service not found. Verify the web service Id is correct and try again.",
        "WorkspaceNotFound": "Workspace not found. Verify the workspace Id is correct and try again.",
    },
)
REQUEST_TIMEOUT = ErrorClass(
    "RequestTimeout",
    408,
    "The operation could not be completed within the permitted time.",
    {
        "RequestCanceled": "Request was canceled by the client.",
        "ScoreRequestTimeout": "Execution request timed out.",
    },
)
CONFLICT = ErrorClass(
    "Conflict",
    409,
    "Resource already exists.",
    {
        "ModelOutputMetadataMismatch": "Invalid output parameter name. Try using the metadata editor module to rename "
        "columns and try again.",
    },
)
MEMORY_QUOTA_VIOLATION = ErrorClass(
    "MemoryQuotaViolation",
    413,
    "The model had exceeded the memory quota assigned to it.",
    {
        "OutOfMemoryLimit": "The model consumed more memory than was appropriated for it. Maximum allowed memory for "
        "the model is {0} MB. Please check your model for issues.",
    },
)
INTERNAL_ERROR = ErrorClass(
    "InternalError",
    500,
    "Execution encountered an internal error.",
    {
        "ContainerProcessTerminatedWithSystemError": "The container process crashed with system error",
        "ContainerProcessTerminatedWithUnknownError": "The container process crashed with unknown error",
        "OutputConversionFailed": "",
        "ResourceLoadFailed": "",
        "SwaggerGeneration": "Swagger generation failed, Details: {0}",
        "UnknownError": "",
        "WorkerUnreachable": "",
    },
)
INITIALIZING_CONTAINERS = ErrorClass(
    "InitializingContainers", 503, "The request cannot execute as the containers are being initialized."
)
SERVICE_UNAVAILABLE = ErrorClass(
    "ServiceUnavailable",
    503,
    "Service is temporarily unavailable.",
    {
        "NoMoreResources": "No resources available for request.",
        "RequestThrottled": "Request was throttled for {0} endpoint. The maximum concurrency for the endpoint is {1}.",
        "TooManyConcurrentRequests": "Too many concurrent requests sent.",
        "TooManyHostsBeingInitialized": "Too many hosts being initialized at the same time. Consider throttling / "
        "retrying.",
    },
)
GATEWAY_TIMEOUT = ErrorClass(
    "GatewayTimeout",
    504,
    "The operation could not be completed within the permitted time.",
    {
        "BackendInitializationTimeout": "The web service initialization could not be completed within the permitted "
        "time.",
        "BackendScoreTimeout": "The web service request execution could not be completed within the permitted time.",
    },
)

CATALOGUE = (
    BAD_ARGUMENT, BAD_USER_ARGUMENT, INVALID_OPERATION, LIBRARY_EXECUTION_ERROR, MODULE_EXECUTION_ERROR, UNAUTHORIZED,
    NOT_FOUND, REQUEST_TIMEOUT, CONFLICT, MEMORY_QUOTA_VIOLATION, INTERNAL_ERROR, INITIALIZING_CONTAINERS,
    SERVICE_UNAVAILABLE, GATEWAY_TIMEOUT,
)  # fmt: skip
"""All classes that a call or job can meet. Those of building services (packages, models) have no place here."""
