#include "server/http/upload-problem.h"
#include "server/base/error.h"

#define MB 1000000

MnbProblem *mnb_upload_problem_of_verdict(MnbUploadsVerdict verdict, gint64 size, gint64 left,
                                          const GError *error)
{
    gint64 size_mb = (size + MB - 1) / MB;
    gint64 left_mb = left / MB;
    MnbProblem *problem;
    switch (verdict) {
    case MNB_UPLOADS_WELCOME:
        return NULL;
    case MNB_UPLOADS_TOO_LARGE:
        return mnb_problem_new(413, "file-too-large",
                               "the file has %" G_GINT64_FORMAT " MB; at most %" G_GINT64_FORMAT
                               " MB are taken",
                               size_mb, left_mb);
    case MNB_UPLOADS_QUOTA:
        return mnb_problem_new(413, "quota-full",
                               "the file has %" G_GINT64_FORMAT " MB and the city has room for "
                               "%" G_GINT64_FORMAT " MB more; remove films or ask for more room",
                               size_mb, left_mb);
    case MNB_UPLOADS_DISK:
        return mnb_problem_new(507, "storage-full",
                               "the file has %" G_GINT64_FORMAT " MB and the server has room for "
                               "%" G_GINT64_FORMAT " MB; tell whoever runs it",
                               size_mb, left_mb);
    case MNB_UPLOADS_TOO_MANY:
        problem = mnb_problem_new(429, "too-many",
                                  "there are too many unfinished uploads; finish or end some");
        mnb_problem_set_retry_after(problem, 60);
        return problem;
    case MNB_UPLOADS_FAILED:
        break;
    }
    return mnb_problem_from_error(error);
}

MnbProblem *mnb_upload_problem_of_error(const GError *error)
{
    MnbProblem *problem;
    if (g_error_matches(error, MNB_ERROR, MNB_ERROR_DAMAGED))
        return mnb_problem_new(460, "wrong-checksum", "%s", error->message);
    if (g_error_matches(error, MNB_ERROR, MNB_ERROR_LIMIT))
        problem = mnb_problem_new(429, "too-many", "%s; try again in a moment", error->message);
    else if (g_error_matches(error, MNB_ERROR, MNB_ERROR_BUSY))
        problem = mnb_problem_new(423, "locked", "%s", error->message);
    else
        return mnb_problem_from_error(error);
    mnb_problem_set_retry_after(problem, 2);
    return problem;
}
